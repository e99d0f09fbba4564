"""The settings that somebody gave, and plain words for what is wrong with them."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from crm_systems.settings.declared import common_settings
from crm_systems.settings.objects import as_list, as_names, as_object
from crm_systems.settings.unknown import unknown
from crm_systems.times import UTC, is_zone, read_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from crm_systems.model import Setting, SettingKind
    from crm_systems.system import System

_BOOLEANS = dict.fromkeys(("true", "1", "yes", "on"), True) | dict.fromkeys(("false", "0", "no", "off"), False)
_MOST_SHOWN = 60
_UNSEEN = "\t\n\r\u00a0\u200b\u200c\u200d\u2060\ufeff"
"""What no key, name or password begins or ends with; a blank might be meant."""


def load(
    config: Mapping[str, Any], own: Iterable[Setting], systems: Sequence[type[System]], passed_over: Iterable[str] = ()
) -> tuple[dict[str, Any], list[str]]:
    """The settings with defaults filled in, and every problem as a sentence that names its setting.

    ``own`` are the settings of the connector itself, ``passed_over`` names that mean nothing here; so are the settings
    of other systems, so that one configuration may serve several. Texts that hold a number, a boolean or JSON are
    accepted for settings of that kind, since environment variables hold only texts.
    """
    chosen = next((system for system in systems if system.name == config.get("system")), None)
    known: dict[str, Setting] = {setting.name: setting for setting in common_settings(systems)}
    known |= {setting.name: setting for setting in own}
    known |= {setting.name: setting for setting in (chosen.settings if chosen else ())}
    elsewhere = {*passed_over, *(setting.name for system in systems for setting in system.settings)}
    loaded: dict[str, Any] = {}
    names = sorted({*known, *elsewhere})
    problems = unknown([name for name in config if name not in names], names)
    for setting in known.values():
        value = config.get(setting.name)
        if value in (None, ""):
            loaded[setting.name] = setting.default
            if setting.required:
                problems.append(f"`{setting.name}` is missing: {setting.description}")
            continue
        loaded[setting.name], problem = _value(setting, value)
        if problem:
            problems.append(f"`{setting.name}` {problem}")
    return loaded, problems


def _value(setting: Setting, value: Any) -> tuple[Any, str]:
    """The value in its kind, and what is wrong with it; a secret's value is never repeated, nor that of an address."""
    hidden = setting.secret or setting.kind == "url"
    shown = "" if hidden else f", not {_cut(json.dumps(value, default=str, ensure_ascii=False))}"
    wanted = f"one of {', '.join(setting.choices)}" if setting.choices else _WORDS[setting.kind]
    try:
        value = _CONVERTERS[setting.kind](value)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None, f"must be {wanted}{shown}."
    if setting.kind == "string" and value.strip(_UNSEEN) != value:
        broken = value.endswith(("\n", "\r"))
        return (
            None,
            "ends with a line break." if broken else "begins or ends with a sign that nobody sees; type it anew.",
        )
    if setting.choices and value not in setting.choices:
        return None, f"must be {wanted}{shown}."
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if setting.minimum is not None and value < setting.minimum:
            return None, f"must be at least {setting.minimum:g}{shown}."
        if value > setting.maximum:
            return None, f"must be at most {setting.maximum:,.0f}{shown}."
    return value, ""


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _string(value: Any) -> str:
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        raise TypeError
    return str(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(number := float(value)):
        raise ValueError
    return number


def _integer(value: Any) -> int:
    number = _number(value)
    if number != int(number):
        raise ValueError
    return int(number)


def _boolean(value: Any) -> bool:
    return _BOOLEANS[str(value).strip().lower()]


def _array(value: Any) -> list[Any]:
    found = as_list(value)
    if not isinstance(found, list) or not all(isinstance(each, (str, int)) for each in found):
        raise TypeError
    return found


def _moment(value: Any) -> str:
    """A time or a date as the connectors read one; kept as text, as Singer configurations hold it."""
    read_moment(_string(value), UTC)
    return str(value)


def _timezone(value: Any) -> str:
    if not is_zone(_string(value)):
        raise ValueError
    return str(value)


def _url(value: Any) -> str:
    text = _string(value).strip()
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError
    if "@" in parts.netloc or parts.port == 0:
        raise ValueError
    return text


_CONVERTERS: dict[SettingKind, Callable[[Any], Any]] = {
    "string": _string,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "array": _array,
    "numbers": lambda value: [_integer(each) for each in _array(value)],
    "object": as_object,
    "names": lambda value: {name: each for name, each in as_names(value).items() if each is not None},
    "date-time": _moment,
    "timezone": _timezone,
    "url": _url,
    "any": lambda value: value,
}
_WORDS: dict[SettingKind, str] = {
    "any": "anything",
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "numbers": "a list of whole numbers",
    "object": "an object",
    "names": "an object that gives each name a text",
    "date-time": "a date or a time such as 2026-01-31T00:00:00Z",
    "timezone": "a time zone such as Europe/Prague",
    "url": "an address such as https://crm.example.com, without user name, password or query",
}
