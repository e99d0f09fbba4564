"""How rows look as JSON: nested properties, dates, short rows, pages and what is around them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timezone
from typing import TYPE_CHECKING, Any

from crm_simulators.egito.forms import WARSAW
from crm_simulators.egito.model import Column, Kind, Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_simulators.egito.forms import Parameters
    from crm_simulators.egito.switches import Switches

PAGE_PARAMETERS = {
    "none": ("", ""),
    "max_offset": ("max", "offset"),
    "page_size": ("size", "page"),
    "start_limit": ("limit", "start"),
    "pageNo": ("ile", "pageNo"),
    "unknown": ("ile", "skad"),
}
"""The names of the page's size and of its place."""
_SHORT = frozenset({"id", "name", "surname"})


def render(row: Record, columns: Mapping[str, Column], switches: Switches, *, short: bool = False) -> Record:
    """One record."""
    out: Record = {}
    for name, column in columns.items():
        if (short and name not in _SHORT) or (name == "modified" and switches.modified_field is None):
            continue
        value = _value(column, row.get(name), switches)
        if value is None and switches.nulls == "absent":
            continue
        place(out, switches.modified_field or name if name == "modified" else name, value)
    return out


def place(out: Record, name: str, value: Any) -> None:
    """Puts a value under a dotted name into nested objects."""
    first, _, rest = name.partition(".")
    if rest:
        place(out.setdefault(first, {}), rest, value)
    else:
        out[first] = value


def entry(row: Record, switches: Switches) -> Record:
    """A dictionary's row."""
    if switches.dictionary_row == "full":
        return dict(row)
    if switches.dictionary_row == "text":
        return {"text": row["name"]}
    number, text = switches.dictionary_row.split("_")
    return {number: row["id"], text: row["name"]}


def single(name: str, record: Record, switches: Switches) -> Any:
    """One record as ``get`` answers it."""
    if switches.get_shape == "anonymous":
        return {each: value for each, value in record.items() if each != "id"}
    wrapped = {"data": {"data": record}, "type": {name: record}, "list": [record]}
    return wrapped.get(switches.get_shape, record)


def saved(number: Any, switches: Switches) -> Record:
    """What a create or an update answers."""
    told: dict[str, Record] = {"none": {}, "null": {"id": None}, "zero": {"id": 0}, "nested": {"data": {"id": number}}}
    return told.get(switches.saved, {"id": number})


def text_of(column: Column, value: Any, switches: Switches) -> str:
    """A value as a filter's parameter writes it."""
    shown = _value(column, value, switches)
    return "" if shown is None else str(shown)


@dataclass(frozen=True)
class Page:
    """The part of a list that a request asks for."""

    start: int
    size: int

    @staticmethod
    def asked(given: Parameters, switches: Switches) -> Page | None:
        """The page in the parameters, None where lists are whole; what is no number counts as not given."""
        if switches.paging == "none":
            return None
        size_name, place_name = PAGE_PARAMETERS[switches.paging]
        size = min(max(_count(given.get(size_name), switches.page_size), 1), switches.largest_page)
        if switches.paging in {"page_size", "pageNo"}:
            return Page((max(_count(given.get(place_name), switches.first_page) - switches.first_page, 0)) * size, size)
        return Page(_count(given.get(place_name), 0), size)

    def of(self, rows: list[Record], switches: Switches) -> list[Record]:
        """The rows on it."""
        start = self.start
        if start >= len(rows) and switches.past_the_end == "last":
            start = max(len(rows) - 1, 0) // self.size * self.size
        return rows[start : start + self.size]


def enveloped(rows: list[Record], total: int, switches: Switches) -> Any:
    """A list as it goes out."""
    if switches.envelope == "bare":
        return rows
    told = str(total) if switches.total_as == "text" else total
    around: Record = {} if switches.total == "none" else {switches.total: told}
    return {**({"page": around} if switches.total_as == "page" else around), switches.envelope: rows}


def _count(text: str | None, default: int) -> int:
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,9}", text) else default


def _value(column: Column, value: Any, switches: Switches) -> Any:
    if value is None:
        return None
    if column.kind is Kind.DATETIME:
        return _datetime(value, switches)
    if column.kind is Kind.DATE and switches.dates == "epoch_ms":
        midnight = datetime.combine(date.fromisoformat(value), time(), WARSAW)
        return _milliseconds(midnight)
    return value


def _datetime(value: datetime, switches: Switches) -> str | int:
    if switches.dates == "epoch_ms":
        return _milliseconds(value)
    local = value.astimezone(switches.zone or WARSAW)
    return local.isoformat(timespec="milliseconds") if switches.dates == "iso" else f"{local:%Y-%m-%d %H:%M}"


def _milliseconds(value: datetime) -> int:
    """Exact, where a float of seconds would not be."""
    since = value.astimezone(timezone.utc) - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000
