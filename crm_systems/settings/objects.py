"""Settings that are objects or lists, in each spelling in which they arrive.

Meltano 4.4 drops what is null inside an object, and nests or drops names that hold a period; it leaves lists alone. So
an object may also come as JSON text or as a list of objects, with ``__NULL__`` for null as in stream maps; and what
Meltano nested is put together again where it can only have been one name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

NULL = "__NULL__"


def as_list(value: Any) -> Any:
    """A list that may come as JSON text, or as names as in ``Accounts,Contacts``; what is no text stays as it is.

    Raises:
        ValueError: the text begins as JSON and is none.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    return json.loads(text) if text.startswith("[") else [each.strip() for each in text.split(",")]


def as_object(value: Any) -> dict[str, Any]:
    """An object that may come as one, as JSON text, or as a list of objects.

    Raises:
        TypeError: it is none.
        ValueError: the text is no JSON, or two objects of the list share a name.
    """
    if isinstance(value, str):
        value = json.loads(value)
    if isinstance(value, list):
        pairs = [pair for each in value for pair in as_object(each).items()]
        if len(dict(pairs)) < len(pairs):
            raise ValueError
        return dict(pairs)
    if not isinstance(value, Mapping):
        raise TypeError
    return {str(name): _with_nulls(each) for name, each in value.items()}


def as_names(value: Any) -> dict[str, str | None]:
    """An object that gives each name a text or null; nested objects are names that were taken apart at their periods.

    Raises:
        TypeError: a value is neither.
        ValueError: the text is no JSON, or a name comes twice.
    """
    names: dict[str, str | None] = {}
    for path, each in _leaves(as_object(value)):
        name = ".".join(path)
        if isinstance(each, bool) or not isinstance(each, (str, int, type(None))):
            raise TypeError
        if name in names:
            raise ValueError
        names[name] = None if each is None else str(each)
    return names


def dropped(config: Mapping[str, Any], environment: Mapping[str, str], prefix: str) -> list[str]:
    """Problems: what Meltano knows of an object and left out of the file that it wrote for the connector.

    It passes each setting whole in the environment as well, as ``prefix`` and the setting's name.
    """
    problems = []
    for setting, value in config.items():
        known = _object_or_none(environment.get(prefix + setting.upper()))
        if known is None or not isinstance(value, Mapping):
            continue
        arrived = {".".join(path) for path, _ in _leaves(value)}
        lost = [name for path, _ in _leaves(known) if (name := ".".join(path).replace("\\.", ".")) not in arrived]
        if lost:
            problems.append(
                f"`{setting}` came without {', '.join(lost)}: Meltano drops what is null in an object and names that "
                f'hold a period; write "{NULL}" for null, and put the object around such a name into a list.'
            )
    return problems


def _object_or_none(text: str | None) -> dict[str, Any] | None:
    try:
        return as_object(text)
    except (ValueError, TypeError):
        return None


def _with_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _with_nulls(each) for name, each in value.items()}
    return None if value == NULL else value


def _leaves(value: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, each in value.items():
        if isinstance(each, Mapping):
            yield from (((name, *path), leaf) for path, leaf in _leaves(each))
        else:
            yield (name,), each
