"""One spelling for each key and reference, whatever form of JSON its values come in."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import datetime, timezone
from decimal import Decimal
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from crm_systems import kinds
from crm_systems.wire import is_empty, meant, spelled
from target_crm.encoding import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONGEST = 512
"""How many characters of a key the ledger holds."""
_WHOLE = re.compile(r"0|-?[1-9]\d{0,999}", re.ASCII)


def key_of(values: Sequence[Any], declared: Sequence[Any]) -> str:
    """A key as one text: equal for values that are equal as the JSON Schemas in ``declared`` mean them.

    A text of a field that is declared as a text, or as nothing, stays letter for letter: 01 is not 1.
    Empty where the key is, or holds a number that is none.
    """
    try:
        meaning = [meant(value) for value in values]
        if all(map(is_empty, meaning)):
            return ""
        if len(values) == 1:
            return fitting(printable(_part(meaning[0], declared[0])))
        return fitting(json.dumps([_member(*each) for each in zip(meaning, declared, strict=True)]))
    except ValueError:
        return ""


def types_of(declared: Any) -> frozenset[str]:
    """The types and formats that a JSON Schema names."""
    return frozenset([*_told(declared, "type"), *_told(declared, "format")]) - {"null"}


def is_as_it_comes(value: Any, types: frozenset[str]) -> bool:
    """The quick way: whether :func:`key_of` would spell a value, the only one of a key, as Python does."""
    if type(value) is int:
        return "boolean" not in types
    if type(value) is not str or types != {"string"} or not value.isascii():
        return False
    return 0 < len(value) <= LONGEST and "\0" not in value


def fitting(name: str) -> str:
    """A key as any database can hold it: a long one, or one with U+0000, which PostgreSQL lacks, told by its digest."""
    if len(name) <= LONGEST and "\0" not in name:
        return name
    plain = name.replace("\0", "\\x00")
    return f"{plain[: LONGEST // 2]}…{blake2b(name.encode(), digest_size=16).hexdigest()}"


def older_keys_of(values: Sequence[Any], key: str) -> tuple[str, ...]:
    """How earlier versions may have spelled a key: as it came, or as the same number or instant may have come."""
    if len(values) > 1:
        spellings = [json.dumps(values, default=str)]
    else:
        spellings = [printable(str(values[0]))] if values else []
        if _WHOLE.fullmatch(key) and not isinstance(values[0], str):
            spellings.append(f"{key}.0")
        if key.endswith("+00:00"):
            spellings.append(key.replace("+00:00", "Z"))
    return tuple(dict.fromkeys(each for each in spellings if each != key and "\0" not in each))


def keys_meant_by(reference: Any) -> tuple[str, ...]:
    """The keys that a reference may mean, the likeliest first."""
    name = fitting(spelled(reference))
    return tuple(dict.fromkeys([name, _instant(name), *older_keys_of([reference], name)]))


def _part(value: Any, declared: Any) -> str:
    types = set(_told(declared, "type")) - {"null"}
    if isinstance(value, (list, dict)):
        return json.dumps(value, sort_keys=True, default=kinds.json_number)
    if types == {"boolean"}:
        with suppress(ValueError):
            return str(kinds.boolean(value))
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float, Decimal)):
        return spelled(value)
    if types and types <= {"integer", "number"}:
        with suppress(ValueError):
            return spelled(kinds.number(value))
    return _instant(value) if "date-time" in _told(declared, "format") else str(value or "")


def _member(value: Any, declared: Any) -> Any:
    """A part of a key of several fields: a whole number as one, unless the schema says that it is a text."""
    if is_empty(value):
        return value
    part = _part(value, declared)
    if part in {"True", "False"} and not isinstance(value, str):
        return part == "True"
    is_text = set(_told(declared, "type")) - {"null"} == {"string"}
    return int(part) if _WHOLE.fullmatch(part) and not is_text else part


def _told(declared: Any, word: str) -> Iterator[str]:
    """What a JSON Schema says of its ``type`` or ``format``, alternatives included; one that is none says nothing."""
    if not isinstance(declared, dict):
        return
    yield from (each for each in _as_list(declared.get(word)) if isinstance(each, str))
    for one_of in ("anyOf", "oneOf"):
        for each in _as_list(declared.get(one_of)):
            yield from _told(each, word)


def _as_list(said: Any) -> list[Any]:
    return said if isinstance(said, list) else [said]


def _instant(written: str) -> str:
    """An instant in UTC; a text that is none, or has no offset, as it is."""
    with suppress(ValueError, OverflowError):
        parsed = datetime.fromisoformat(written.replace("Z", "+00:00"))
        return parsed.astimezone(timezone.utc).isoformat() if parsed.tzinfo else written
    return written
