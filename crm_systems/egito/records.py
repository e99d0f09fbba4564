"""What the fields of Egito's records hold: as its dictionaries say, as the records show, as little as is documented."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Any

from crm_systems.model import Choice, Entity, Field, Kind
from crm_systems.rows import is_identifier
from crm_systems.sampling import kind_of, unit_of, values_by_field

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from zoneinfo import ZoneInfo

    from crm_systems.model import Row

TIED = "Id"
"""The ending of a field that holds the id of a dictionary's row or of a record (inferred from the samples)."""
MODIFIED = (
    "modified",
    "modifiedAt",
    "modifiedDate",
    "modifyDate",
    "modificationDate",
    "dateModified",
    "lastModified",
    "lastModifiedDate",
    "updated",
    "updatedAt",
    "updateDate",
    "lastUpdated",
    "changed",
)
"""What the time of the last change may be called; the first that a type has counts (inferred)."""
CREATED = (
    *("created", "createdAt", "createdDate", "createDate", "createdOn", "creationDate", "creationTime"),
    *("dateCreated", "dateOfCreation", "addedAt", "addDate", "dateAdded", "insertedAt", "insertDate"),
)
"""What the time of creation may be called; the first that a type has counts (inferred)."""
IDENTIFIERS = ("id", "code", "key", "value")
"""What the id of a dictionary's row may be called (inferred)."""
LABELS = ("name", "label", "value", "text", "title")
"""What the text of a dictionary's row may be called (inferred)."""
DAY, MINUTE = len("yyyy-mm-dd"), len("yyyy-mm-dd hh:mm")
"""How long a time is that tells no time of day, or no seconds."""
FORM = re.compile(r"\d{4}-\d\d-\d\d([T ])\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d(:?)\d\d)?")
"""A time as a text; its groups are what one tenant writes otherwise than another."""
USUAL = (" ", "", "", "", "")
"""The groups of a time to the minute, for where no record shows one."""
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def dictionary_of(entity: str, field: str, dictionaries: Sequence[str]) -> str | None:
    """The dictionary of a field: ``lead.source`` for ``sourceId`` of Lead, ``industry`` for ``industryId``."""
    stem = field.removesuffix(TIED)
    lead = f"{entity[:1].lower()}{entity[1:]}.{stem}"
    return next((name for name in (lead, stem) if stem != field and name in dictionaries), None)


def identified(rows: Sequence[Row]) -> list[Row]:
    """The rows of a dictionary under their ids: by the first of the likely names that tells all of them apart."""
    for name in IDENTIFIERS:
        values = [row.get(name) for row in rows]
        if all(map(is_identifier, values)) and len({*map(str, values)}) == len(values):
            return [{**row, "id": row[name]} for row in rows]
    return list(rows)


def tied(entity: Entity, field: str, rows: Sequence[Row]) -> Entity:
    """The entity with a field's values from a dictionary."""
    choices = tuple(Choice(str(row["id"]), _label(row)) for row in rows)
    fields = (
        replace(each, kind=Kind.PICKLIST, choices=choices) if each.name == field else each for each in entity.fields
    )
    return replace(entity, fields=tuple(fields))


def _label(row: Row) -> str:
    """The text of a dictionary's row, which is not what its id was taken from."""
    texts = (row[name] for name in LABELS if isinstance(row.get(name), str))
    return next((text for text in texts if text != str(row["id"])), "")


def completed(base: Entity, rows: Sequence[Row], modified: str | None, zone: ZoneInfo, types: Sequence[str]) -> Entity:
    """A type as its records show it; one without records as it is documented and inferred.

    ``modified`` is the name of the time of the last change where it is set, ``types`` are those that ids may point to.
    """
    values = values_by_field(rows)
    known = {field.name: field for field in base.fields}
    kept = {*base.key, *base.private.get("documented", ())}
    names = [name for name in known if not rows or name in values or name in kept]
    names += [name for name in values if name not in known]
    key = modified or next((name for name in MODIFIED if name in names), None)
    # A name that speaks of time, for a field that was named in the settings as one.
    clues = {name: "modified" if name == key else name for name in names}
    units = {name: unit for name in names if (unit := unit_of(clues[name], values.get(name, [])))}
    fields = []
    for name in names:
        found = values.get(name, [])
        kind = _kind(clues[name], known.get(name), found)
        if name in units and name not in {key, *CREATED} and _are_days(found, units[name], zone):
            kind = Kind.DATE
        fields.append(_field(name, known.get(name), kind, types, is_stamp=name in {key, *CREATED, *MODIFIED}))
    times = [field.name for field in fields if field.kind in {Kind.DATETIME, Kind.DATE}]
    created = next((name for name in CREATED if name in times), None)
    private = {
        "units": units,
        "created": created,
        "forms": {name: _form_of(values.get(name, [])) for name in times},
    }
    return replace(
        base,
        fields=tuple(fields),
        replication_key=key if key in times else None,
        creation_key=created if _tell_seconds(values.get(created or "", [])) else None,
        private=private,
    )


def _kind(clue: str, known: Field | None, values: list[Any]) -> Kind:
    """What the values show; what is inferred only holds where there are none, or fits any text."""
    if clue == "id" or clue.endswith(TIED):
        return Kind.STRING
    shown = kind_of(clue, values)
    if known and (
        not values or (shown in {Kind.STRING, Kind.TEXT} and known.kind in {Kind.EMAIL, Kind.URL, Kind.TEXT})
    ):
        return known.kind
    return shown


def _field(name: str, known: Field | None, kind: Kind, types: Sequence[str], *, is_stamp: bool) -> Field:
    field = replace(known, kind=kind) if known else Field(name, kind, writable=not is_stamp)
    points_to = next((each for each in types if name == f"{each[:1].lower()}{each[1:]}{TIED}"), None)
    if points_to:
        return replace(field, kind=Kind.REFERENCE, refers_to=(points_to,))
    return replace(field, writable=False) if is_stamp or name == "id" else field


def _form_of(values: list[Any]) -> tuple[str, ...]:
    """The groups of the most precise of these times."""
    forms = [found.groups("") for value in values if (found := FORM.fullmatch(str(value)))]
    return max(forms, key=lambda groups: sum(map(len, groups)), default=USUAL)


def _spelt(moment: datetime, form: tuple[str, ...]) -> str:
    """A time in such a form, cut to what that tells."""
    between, seconds, parts, offset, colon = form
    moment = moment.astimezone(timezone.utc) if offset == "Z" else moment
    clock = moment.time().isoformat("seconds" if seconds else "minutes")
    fraction = f".{moment.microsecond:06}"[: len(parts)].ljust(len(parts), "0")
    zone = f"{moment:%z}"
    shown = f"{zone[:3]}{colon}{zone[3:5]}" if offset not in {"", "Z"} else offset
    return f"{moment.date().isoformat()}{between}{clock}{fraction}{shown}"


def _tell_seconds(values: list[Any]) -> bool:
    """Whether a time can be compared with a moment: one that is cut to the minute seems to lie before it."""
    return bool(values) and all(isinstance(value, int) or len(str(value)) > MINUTE for value in values)


def _are_days(values: list[Any], unit: int, zone: ZoneInfo) -> bool:
    """Whether all these times are midnights, as days are that are written as times."""
    try:
        return all((EPOCH + timedelta(seconds=value / unit)).astimezone(zone).time() == time() for value in values)
    except OverflowError:
        return False


def normaliser(entity: Entity, zone: ZoneInfo) -> Callable[[Row], Row]:
    """What makes times of times since 1970, and gives the time of creation where nobody changed the record."""
    days = {field.name for field in entity.fields if field.kind is Kind.DATE}
    units = entity.private.get("units", {}).items()
    key, created = entity.replication_key, entity.private.get("created")

    def normalised(row: Row) -> Row:
        row = {**row}
        for name, unit in units:
            if type(row.get(name)) is int:
                with suppress(OverflowError):  # what is no time at all stays what it is, and does not fit
                    moment = EPOCH + timedelta(seconds=row[name] // unit, milliseconds=row[name] % unit * 1000 // unit)
                    row[name] = moment.astimezone(zone).date().isoformat() if name in days else moment.isoformat()
        if key and created and not row.get(key):
            row[key] = row.get(created)
        return row

    return normalised


def written(entity: Entity, field: Field, value: Any, zone: ZoneInfo) -> Any:
    """A typed time in the notation in which the tenant gives it; any other value as it is."""
    if field.kind not in {Kind.DATETIME, Kind.DATE} or not value:
        return value
    moment = datetime.fromisoformat(value)
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(zone)
    unit = entity.private.get("units", {}).get(field.name)
    if unit:
        return (moment - EPOCH) // timedelta(seconds=1) * unit + moment.microsecond * unit // 1_000_000
    if field.kind is Kind.DATE:
        return value
    return _spelt(moment, entity.private.get("forms", {}).get(field.name, USUAL))
