"""WHERE: turns parsed conditions into tests of a record, and finds the range of an ordering that can match."""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any

from crm_simulators.vtiger import compare, vtql
from crm_simulators.vtiger.failures import SqlError, denied, wrong_id
from crm_simulators.vtiger.schema import NUMBERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulators.vtiger.schema import Field
    from crm_simulators.vtiger.store import Record, Table

    Test = Callable[[Record], bool]

_ID = re.compile(r"(\d+)x(\d+)$")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_MOMENTS = frozenset({"date", "datetime"})


def compile_where(node: vtql.Node | None, table: Table) -> Test | None:
    """A test of records, or None if everything passes.

    Raises:
        Refused: a field is unknown, or a reference is not compared with an id.
        SqlError: the database would refuse the literal.
    """
    if node is None:
        return None
    if isinstance(node, vtql.Condition):
        return _condition(node, table)
    tests = [test for part in node.parts if (test := compile_where(part, table))]
    if isinstance(node, vtql.All):
        return lambda record: all(test(record) for test in tests)
    return lambda record: any(test(record) for test in tests)


def _condition(condition: vtql.Condition, table: Table) -> Test:
    name = condition.field
    if name not in table.module.columns:
        raise denied(f"Permission to access {name} attribute denied.")
    if name == "id":
        wanted = [_id_number(value) for value in condition.values]
        return _compare(lambda record: record.number, condition.operator, wanted)
    field = table.module.fields[name]
    read = _reader(table, name)
    if condition.operator in {"null", "not null"}:
        absent = condition.operator == "null"
        return lambda record: (read(record) is None) is absent
    if condition.operator == "like":
        return _like(read, condition.values[0])
    convert, wanted = _wanted(field, condition.values)
    if not wanted:
        return lambda _record: False
    return _compare(lambda record: _converted(read(record), convert), condition.operator, wanted)


def _reader(table: Table, name: str) -> Callable[[Record], str | None]:
    default = table.defaults.get(name)
    return lambda record: record.values.get(name, default)


def _converted(value: str | None, convert: Callable[[str], Any]) -> Any:
    return None if value is None else convert(value)


def _compare(read: Callable[[Record], Any], sign: str, wanted: list[Any]) -> Test:
    if sign == "in":
        choices = frozenset(wanted)
        return lambda record: read(record) in choices
    if sign == "like":
        raise SqlError
    relation, right = _COMPARE[sign], wanted[0]

    def test(record: Record) -> bool:
        left = read(record)
        return left is not None and relation(left, right)

    return test


def _like(read: Callable[[Record], str | None], literal: vtql.Literal) -> Test:
    pattern = compare.like(_text(literal))

    def test(record: Record) -> bool:
        value = read(record)
        return value is not None and pattern.fullmatch(compare.fold(value)) is not None

    return test


def _wanted(field: Field, literals: tuple[vtql.Literal, ...]) -> tuple[Callable[[str], Any], list[Any]]:
    """How to convert what is stored, and what to compare it with; NULL matches nothing and is left out."""
    literals = tuple(value for value in literals if value.quoted or value.text.lower() != "null")
    if field.is_reference:
        return _last_number, [_reference_number(value) for value in literals]
    if field.kind in NUMBERS:
        return compare.number, [compare.number(_text(value)) for value in literals]
    if field.kind in _MOMENTS:
        return compare.moment, [compare.moment(_text(value)) for value in literals]
    if any(not value.quoted for value in literals):
        return compare.number, [compare.number(_text(value)) for value in literals]
    return compare.key, [compare.key(_text(value)) for value in literals]


def _text(literal: vtql.Literal) -> str:
    if not literal.quoted:
        if not re.fullmatch(r"[+-]?\d+", literal.text):
            raise SqlError  # A bare word is a column that does not exist.
        return literal.text
    text = compare.unescape(literal.text)
    if text is None:
        raise SqlError
    return text


def _id_number(literal: vtql.Literal) -> int:
    """The number of an id; without a prefix the SQL breaks, and which prefix it is does not matter (measured)."""
    match = _ID.match(literal.text)
    if not match:
        raise SqlError
    return int(match[2])


def _reference_number(literal: vtql.Literal) -> int:
    match = _ID.match(literal.text)
    if not match:
        raise wrong_id()
    return int(match[2])


def _last_number(identifier: str) -> int:
    return int(identifier.rpartition("x")[2] or 0)


def bound(node: vtql.Node | None, name: str, *, upper: bool) -> Any:
    """The lowest (or highest) value of ``id`` or ``modifiedtime`` that can match, or None if there is no limit."""
    if node is None:
        return None
    if isinstance(node, vtql.Condition):
        return _bound_of(node, name, upper=upper)
    bounds = [bound(part, name, upper=upper) for part in node.parts]
    known = [value for value in bounds if value is not None]
    if isinstance(node, vtql.All):
        return (min(known) if upper else max(known)) if known else None
    return None if len(known) < len(bounds) else (max(known) if upper else min(known))


def _bound_of(condition: vtql.Condition, name: str, *, upper: bool) -> Any:
    signs = {"=", "in", "<", "<="} if upper else {"=", "in", ">", ">="}
    if condition.field != name or condition.operator not in signs:
        return None
    if name == "id":
        values: list[Any] = [_id_number(value) for value in condition.values]
    else:
        # A text that is no date counts as zero, which is below everything.
        values = [compare.moment(value.text) for value in condition.values if value.quoted]
    return (max(values) if upper else min(values)) if values else None
