"""What coreBOS takes otherwise than Vtiger, since what comes through its interface goes where its forms go.

Measured on coreBOS of 2019, and so the code of 8.0 says: numbers and times are taken as the user writes them, by his
separators and in his time zone, and the lines of a document are called ``pdoInformation``; ``LineItems`` is ignored
without a word.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

from crm_systems.errors import Rejected
from crm_systems.model import Kind
from crm_systems.wire import is_empty

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.model import Entity, Row

MARK = "label_raw"
"""A key that of the family only coreBOS's describe has (measured)."""
TYPED = "typed"
"""Under this name the private part of a coreBOS entity names the fields that are taken as people type them."""
UI_TYPES = frozenset({"7", "9", "50", "71", "72"})
"""Numbers, percents, times and amounts of money."""
LINES = "LineItems"


@dataclass(frozen=True)
class Habits:
    """How the user who is logged in writes; an administrator's are told, nobody else's."""

    writes_points: bool = False
    """A decimal point is one to him."""
    timezone: str = ""

    @staticmethod
    def of(user: Row) -> Habits:
        """As his own record says; a separator that is not set changes nothing (measured)."""
        decimals, thousands = (
            str(user.get(f"currency_{name}_separator", ".")).strip() for name in ("decimal", "grouping")
        )
        zone = str(user.get("time_zone") or "")
        return Habits(decimals in {".", ""} and thousands != ".", zone if zone in available_timezones() else "")


def typed_fields(described: Mapping[str, Any]) -> frozenset[str] | None:
    """The names of fields that this server takes as typed by people; None where it is no coreBOS."""
    if MARK not in described:
        return None
    return frozenset(each["name"] for each in described["fields"] if str(each.get("uitype")) in UI_TYPES)


def as_typed(entity: Entity, element: Mapping[str, Any], habits: Habits, zone: str) -> dict[str, Any]:
    """An element as the user would write it; ``zone`` is that of its times.

    Raises:
        Rejected: it holds a time, and nothing tells in which zone the user writes them.
    """
    typed = entity.private.get(TYPED)
    if typed is None:
        return dict(element)
    written = {
        name: _typed(entity, name, value, habits, zone) if name in typed else value for name, value in element.items()
    }
    if LINES in written:
        written["pdoInformation"] = [_line(each) for each in written.pop(LINES)]
        written |= {"__cbws_skipcurdbconv_pdo": True, "taxtype": element.get("hdnTaxType") or "group"}
    return written


def _typed(entity: Entity, name: str, value: Any, habits: Habits, zone: str) -> Any:
    field = entity.field(name)
    if field is None or is_empty(value):
        return value
    if field.kind is Kind.NUMBER and not habits.writes_points:
        return _without_point(Decimal(str(value)))
    if field.kind is Kind.DATETIME:
        if not habits.timezone:
            why = "the CRM takes it in the user's time zone, which it tells administrators only"
            raise Rejected(f"{entity.name}: {name} is not written: {why}", hint="log in as one", field=name)
        local = datetime.fromisoformat(value).replace(tzinfo=ZoneInfo(zone)).astimezone(ZoneInfo(habits.timezone))
        return local.replace(tzinfo=None).isoformat(" ", "seconds")
    return value


def _without_point(number: Decimal) -> str:
    """A number that no separator can spoil: 12.5 as 125e-1, which the database takes for the same (measured)."""
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int) or exponent >= 0:
        return format(number, "f")
    return f"{'-' * sign}{''.join(map(str, digits))}e{exponent}"


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line with coreBOS's names for its amount and its discount."""
    given = dict(line)
    if "quantity" in given:
        given["qty"] = given.pop("quantity")
    for name, kind in (("discount_amount", "amount"), ("discount_percent", "percentage")):
        if not is_empty(given.get(name)):
            given |= {"discount": 1, "discount_type": kind, f"discount_{kind}": given[name]}
    return {"comment": "", **given}
