"""What streams and fields are called when they leave: as the CRM calls them, or in words that a warehouse likes."""

from __future__ import annotations

import logging
import re
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

logger = logging.getLogger("crm")

_WORDS = re.compile(r"(?<=[^\W_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[\W]+")


class Names:
    """Names as ``prefix`` and ``style`` (``crm`` or ``snake_case``) want them; ``streams`` gives those of all streams.

    State and catalog keep the CRM's own names, so that either may change without reading all again.
    """

    def __init__(self, prefix: str, style: str, streams: Callable[[], Iterable[str]]) -> None:
        self._prefix = prefix
        self._is_plain = style == "crm"
        self._all = streams

    def of_stream(self, name: str) -> str:
        """What a stream is called when it leaves."""
        return self._prefix + (name if self._is_plain else self._streams.get(name) or snake(name))

    def of_fields(self, stream: str, names: Iterable[str]) -> Mapping[str, str]:
        """What the fields of a stream are called when they leave, by name; empty: as they are."""
        return {} if self._is_plain else _all_different(names, f"{stream}: the fields")

    @cached_property
    def _streams(self) -> Mapping[str, str]:
        return _all_different(self._all(), "The streams")


def snake(name: str) -> str:
    """``HelpDesk`` as ``help_desk``."""
    return _WORDS.sub("_", name).lower()


def _all_different(names: Iterable[str], what: str) -> dict[str, str]:
    """Each name in snake case; one that would meet another stays as it is, so that nothing is written over.

    Which one stays may change when another name is added, so it is said.
    """
    found: dict[str, str] = {}
    taken: dict[str, str] = {}
    for name in sorted(names, key=lambda each: (snake(each) != each, each)):
        new = snake(name)
        first = taken.setdefault(new, name)
        found[name] = new if first == name else name
        if first != name:
            logger.warning(
                "%s %s and %s are both %s in snake case, so %s keeps its name. If %s is new, it comes where %s did; "
                "`stream_maps` can rename one of them.",
                *(what, first, name, new, name, first, name),
            )
    return found
