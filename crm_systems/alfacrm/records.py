"""Values of alfaCRM: what reads give in several forms, and the forms in which writes want them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import MAXYEAR, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crm_systems.kinds import TEXTS, json_number, of_php
from crm_systems.model import Field, Kind
from crm_systems.times import instant
from crm_systems.wire import encode, is_empty

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from crm_systems.kinds import Notation
    from crm_systems.model import Entity, Row

_DAY = len("2026-01-31")
_MINUTE = len("09:30")
_TIME_OF_DAY = re.compile(r"(?:.*[T ])?([0-9]{1,2}:[0-9]{2})(?:[:+Z-].*)?")
"""A time of day, be it with seconds or behind a day (seen in clients); anything else stays as it is."""
_CUSTOM = "custom_"
_WIPEABLE = TEXTS | {Kind.LIST, Kind.MULTIPICKLIST}


def normaliser(entity: Entity) -> Callable[[Row], Row]:
    """What makes of a row what the newest tenants would give: one form for each field.

    Lesson starts are stored one second late (seen in clients); ids in lists may be texts, teachers of a group objects.
    Some tenants leave an empty custom field out: were it left out here too, nobody would learn that it was emptied.
    """
    customs = dict.fromkeys(field.name for field in entity.fields if field.name.startswith(_CUSTOM))
    starts = entity.private.get("lesson_starts", ())
    lists = [field.name for field in entity.fields if field.kind is Kind.LIST and field.refers_to]
    times = [field.name for field in entity.fields if field.kind is Kind.TIME]
    objects = [field.name for field in entity.fields if field.kind is Kind.OBJECT]

    def normalised(row: Row) -> Row:
        found = {**customs, **row}
        if not found.get("teacher_ids") and isinstance(teachers := of_php(found.get("teachers")), list):
            found["teacher_ids"] = [each.get("id") for each in teachers if isinstance(each, dict)]
        for name in starts:
            if isinstance(found.get(name), str) and found[name].endswith(":01"):
                found[name] = found[name][:-2] + "00"
        for name in lists:
            if (told := of_php(found.get(name))) and isinstance(told, list) and not {int}.issuperset(map(type, told)):
                found[name] = [each if type(each) is int else _whole(each) for each in told]
        for name in times:
            if clock := _TIME_OF_DAY.fullmatch(str(found.get(name))):
                found[name] = clock[1]
        for name in objects:
            found[name] = _one_object(found.get(name))
        return found

    return normalised


def _whole(value: Any) -> Any:
    return int(value) if str(value).isdecimal() else value


def _one_object(value: Any) -> Any:
    """An object; a list of several, each about another field, becomes one, and JSON in a text is opened."""
    if isinstance(value, str) and value:
        try:
            value = json.loads(value, parse_float=Decimal)
        except ValueError:
            return {"text": value}
    if not isinstance(value, list):
        return value
    if not all(isinstance(each, dict) for each in value):
        return {"list": value}
    merged = {name: part for each in value for name, part in each.items()}
    return merged if len(merged) == sum(map(len, value)) else {"list": value}


def latest(written: Any, zone: ZoneInfo) -> datetime | None:
    """The latest instant that a stamp may mean: a day is over at its end."""
    begin = instant(written, zone)
    is_day = isinstance(written, str) and len(written.strip()) <= _DAY
    return begin + timedelta(days=1) if begin and is_day and begin.year < MAXYEAR else begin


def may_be_since(written: Any, bound: datetime, zone: ZoneInfo) -> bool:
    """Whether a row with this stamp may have been changed at or after ``bound``; without a stamp it may."""
    stamp = latest(written, zone)
    return stamp is None or stamp >= bound


def dotted(day: date) -> str:
    """``dd.mm.yyyy``."""
    return f"{day.day:02}.{day.month:02}.{day.year:04}"


def encoded(entity: Entity, values: Mapping[str, Any], notation: Notation) -> dict[str, Any]:
    """Typed values by the names and in the forms of a write.

    A lesson's times are written without their day, so the day goes along when it is not written itself.
    """
    fields = {field.name: field for field in entity.fields}
    clock = entity.private.get("clock", ())
    written: dict[str, Any] = {}
    for name, value in values.items():
        known = fields[name]
        if value is not None and name in entity.private.get("dotted", ()):
            written[known.written_as or name] = dotted(date.fromisoformat(value))
        elif value is not None and name in clock:
            written[name] = _here(value, notation).strftime("%H:%M")
        elif value is not None and name in entity.private.get("listed", ()):
            written[known.written_as or name] = [int(value)]
        else:
            written[known.written_as or name] = _plain(known, value, notation)
    if clock and values.get(clock[0]) and "date" not in values:
        written[fields["date"].written_as] = dotted(_here(values[clock[0]], notation).date())
    return written


def _here(moment: str, notation: Notation) -> datetime:
    return datetime.fromisoformat(moment).astimezone(notation.zone)


def _plain(field: Field, value: Any, notation: Notation) -> Any:
    if value is None:
        return "" if field.kind in TEXTS else [] if field.kind in {Kind.LIST, Kind.MULTIPICKLIST} else None
    if field.kind is Kind.TIME:
        return value.removesuffix(":00") if len(value) > _MINUTE else value
    if field.kind in {Kind.BOOLEAN, Kind.INTEGER}:
        return int(value)
    if field.kind is Kind.LIST and field.refers_to:
        return [int(each) for each in value]
    return _exact(value) if field.kind is Kind.NUMBER else encode(field.kind, value, notation)


def _exact(value: Any) -> int | float | str:
    """A JSON number where one is exact, else a text, which is accepted as well."""
    exact = Decimal(str(value))
    return int(exact) if exact == exact.to_integral_value() else json_number(exact)


def complaints(errors: Any) -> list[tuple[str, str]]:
    """Field and text of each complaint about a write, in all shapes that were seen; a field may be empty."""
    if isinstance(errors, list):
        return [each for item in errors for each in complaints(item)]
    if not isinstance(errors, dict):
        return [("", str(errors))] if errors else []
    if {"field", "message"} <= errors.keys():
        return [(str(errors["field"]), str(errors["message"]))]
    return [
        (str(name), str(text))
        for name, texts in errors.items()
        for text in (texts if isinstance(texts, list) else [texts])
    ]


def completed(entity: Entity, sample: Sequence[Row]) -> Entity:
    """The entity with the fields that a sample shows; the type of a custom field is not told, so it is a text."""
    met = {name for row in sample for name in row}
    fields = [replace(field, readable=field.readable or field.name in met) for field in entity.fields]
    for name in sorted(met - {field.name for field in fields}):
        is_custom = name.startswith(_CUSTOM)
        fields.append(Field(name, Kind.STRING if is_custom else Kind.ANY, writable=is_custom and entity.updatable))
    # Some tenants tell only the day, by which nothing can be recognised.
    tells_time = any(len(str(row.get("created_at") or "")) > _DAY for row in sample)
    private = dict(entity.private)
    if not sample or not all(row.get(entity.replication_key or "") for row in sample):
        # The filter by the day of the last change may well leave out rows that do not tell it.
        private.pop("since", None)
    creation_key = "created_at" if tells_time else None
    return replace(entity, fields=tuple(fields), creation_key=creation_key, private=private)


def is_wiped(entity: Entity, before: Row, after: Row, values: Mapping[str, Any]) -> bool:
    """Whether an update has emptied what it did not name.

    It has if something is gone that each record has, or all texts and lists; by itself a server only empties other
    kinds, such as the stage of a lead that became a client, so they count where there are no texts and lists.
    """
    unnamed = [each for each in entity.fields if each.writable and each.name not in values]
    had = [each for each in unnamed if not _is_blank(before.get(each.name))]
    lost = {each.name for each in had if _is_blank(after.get(each.name))}
    texts = {each.name for each in had if each.kind in _WIPEABLE and not each.mandatory}
    return any(each.mandatory and each.name in lost for each in had) or bool(texts <= lost if texts else lost)


def _is_blank(value: Any) -> bool:
    """Whether a raw value is as good as none; a server that fills up what it was not given puts 0 into flags."""
    return is_empty(value) or value in (0, "0")
