"""What the keys of an index body select; nothing here ever answers with an error (seen in clients)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crm_simulators.alfacrm.columns import WrongForm, parse_date, parse_decimal, parse_int

if TYPE_CHECKING:
    from crm_simulators.alfacrm.entity import Filter
    from crm_simulators.alfacrm.store import Row, Store
    from crm_simulators.alfacrm.switches import Switches

Test = Callable[["Row"], bool]


@dataclass(frozen=True)
class Context:
    """What some filters need besides the row."""

    store: Store
    switches: Switches
    today: str


def nothing(_row: Row) -> bool:
    """Selects no row."""
    return False


def compile_filter(rule: Filter, value: Any, context: Context) -> Test | None:
    """The test of a row; ``None`` where the key has no effect: empty values, nested ones (seen in one client)."""
    if value is None or value == "" or isinstance(value, dict):
        return None
    if rule.kind in {"stamp_from", "stamp_to"} and context.switches.ignore_stamp_filters:
        return None
    try:
        return _BUILDERS[rule.kind](rule, value, context)
    except WrongForm:
        is_date = bool(rule.kind.startswith(("day", "stamp", "overlap")))
        return None if is_date and context.switches.wrong_date_filter == "ignored" else nothing


def _equal(rule: Filter, value: Any, _context: Context) -> Test:
    if isinstance(value, list):
        raise WrongForm(value)
    wanted, column = _comparable(value), rule.column
    return lambda row: row[column] is not None and _comparable(row[column]) == wanted


def _comparable(value: Any) -> str:
    """Flags compare as 0 and 1, ids in texts as numbers do."""
    return str(int(value)) if isinstance(value, bool) else str(value)


def _text(rule: Filter, value: Any, context: Context) -> Test:
    if isinstance(value, list):
        raise WrongForm(value)
    wanted, column, exact = str(value).casefold(), rule.column, context.switches.text_filter == "exact"

    def test(row: Row) -> bool:
        stored = row[column]
        for item in stored if isinstance(stored, list) else [stored or ""]:
            folded = item.casefold()
            if wanted == folded or (not exact and wanted in folded):
                return True
        return False

    return test


def _digits(value: str) -> str:
    return "".join(letter for letter in value if "0" <= letter <= "9")


def _phone(rule: Filter, value: Any, _context: Context) -> Test:
    wanted, column = _digits(str(value)), rule.column
    if len(wanted) == 11 and wanted[0] == "8":
        wanted = "7" + wanted[1:]
    return lambda row: bool(wanted) and any(wanted in _digits(phone) for phone in row[column])


def _any_of(rule: Filter, value: Any, context: Context) -> Test:
    wanted = {parse_int(item) for item in (value if isinstance(value, list) else [value])}
    if rule.column == "location_id":
        rooms = context.store.tables["room"]
        return lambda row: (rooms.get(row["room_id"]) or {}).get("location_id") in wanted
    column = rule.column

    def test(row: Row) -> bool:
        stored = row[column]
        return not wanted.isdisjoint(stored if isinstance(stored, list) else [stored])

    return test


def _bound(rule: Filter, value: Any, _context: Context) -> Test:
    wanted, column = parse_decimal(value), rule.column
    if rule.kind == "from":
        return lambda row: row[column] is not None and Decimal(str(row[column])) >= wanted
    return lambda row: row[column] is not None and Decimal(str(row[column])) <= wanted


def _day(rule: Filter, value: Any, context: Context) -> Test:
    wanted, column = parse_date(value, rule.forms), rule.column
    inclusive = context.switches.inclusive_bounds
    if rule.kind.endswith("from"):
        return lambda row: (
            bool(row[column]) and (row[column][:10] > wanted or (inclusive and row[column][:10] == wanted))
        )
    return lambda row: bool(row[column]) and (row[column][:10] < wanted or (inclusive and row[column][:10] == wanted))


def _is_study(_rule: Filter, value: Any, _context: Context) -> Test | None:
    wanted = parse_int(value)
    return None if wanted == 2 else lambda row: row["is_study"] == wanted


def _removed(_rule: Filter, value: Any, context: Context) -> Test | None:
    wanted, today = parse_int(value), context.today
    tests: dict[int, Test | None] = {
        0: lambda row: not is_archived(row, today),
        1: None,
        2: lambda row: is_archived(row, today),
    }
    return tests.get(wanted, nothing)


def is_archived(row: Row, today: str) -> bool:
    """Rows carry no flag: archived is what ended before today (seen in three clients)."""
    return bool(row["e_date"]) and row["e_date"] < today


def _ids(_rule: Filter, value: Any, _context: Context) -> Test:
    wanted = {parse_int(item) for item in (value if isinstance(value, list) else [value])}
    return lambda row: row["id"] in wanted


def _only_true(rule: Filter, value: Any, _context: Context) -> Test | None:
    column = rule.column
    return (lambda row: bool(row[column])) if parse_int(value) else None


def _dead(rule: Filter, value: Any, _context: Context) -> Test:
    wanted, column = parse_int(value), rule.column
    return lambda row: row[column] == wanted


def _through_tariff(rule: Filter, value: Any, context: Context) -> Test:
    wanted, tariffs = parse_int(value), context.store.tables["tariff"]
    return lambda row: (tariffs.get(row["tariff_id"]) or {}).get(rule.column) == wanted


def _balance(rule: Filter, value: Any, _context: Context) -> Test:
    low, high = value if isinstance(value, list) and len(value) == 2 else (value, value)
    lowest, highest = parse_decimal(low), parse_decimal(high)
    return lambda row: lowest <= Decimal(row[rule.column]) <= highest


def _age(rule: Filter, value: Any, context: Context) -> Test:
    years = parse_int(value) + (rule.kind == "age_to")
    limit = f"{max(0, int(context.today[:4]) - years):04}{context.today[4:]}"
    if rule.kind == "age_from":
        return lambda row: bool(row["dob"]) and row["dob"] <= limit
    return lambda row: bool(row["dob"]) and row["dob"] > limit


def _overlap(rule: Filter, value: Any, _context: Context) -> Test:
    """A period that reaches the first day asked for, or starts by the last."""
    wanted, column = parse_date(value, rule.forms), rule.column
    if rule.kind == "overlap_from":
        return lambda row: not row[column] or row[column] >= wanted
    return lambda row: not row[column] or row[column] <= wanted


def _is_null(rule: Filter, value: Any, _context: Context) -> Test:
    wanted = bool(parse_int(value))
    return lambda row: (row[rule.column] is None) == wanted


def _customer_name(_rule: Filter, value: Any, context: Context) -> Test:
    wanted, customers = str(value).casefold(), context.store.tables["customer"]
    groups = {
        row["group_id"]
        for row in context.store.tables["cgi"].values()
        if row["customer_id"] in customers and wanted in (customers[row["customer_id"]]["name"] or "").casefold()
    }
    return lambda row: row["id"] in groups


_BUILDERS: dict[str, Callable[[Filter, Any, Context], Test | None]] = {
    "equal": _equal,
    "text": _text,
    "phone": _phone,
    "any_of": _any_of,
    "from": _bound,
    "to": _bound,
    "day_from": _day,
    "day_to": _day,
    "stamp_from": _day,
    "stamp_to": _day,
    "is_study": _is_study,
    "removed": _removed,
    "status": _equal,
    "ids": _ids,
    "only_true": _only_true,
    "dead": _dead,
    "through_tariff": _through_tariff,
    "balance": _balance,
    "age_from": _age,
    "age_to": _age,
    "overlap_from": _overlap,
    "overlap_to": _overlap,
    "is_null": _is_null,
    "customer_name": _customer_name,
}
