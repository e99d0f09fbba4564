"""Settings that do not exist, and what they may have been meant to be."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

_NO_SETTINGS = ("loglevel",)
"""What the SDK reads from the environment beside the settings."""
_RESEMBLES = 0.8


def unknown(names: Iterable[str], known: Collection[str]) -> list[str]:
    """Problems: a setting that nobody reads would be taken for one that works. Meltano's own begin with ``_``."""
    return [f"There is no setting `{name}`{did_you_mean(name, known)}" for name in names if not name.startswith("_")]


def did_you_mean(name: str, known: Collection[str]) -> str:
    """The end of a sentence that says that there is no such name."""
    near = get_close_matches(name.lower().replace("-", "_"), known, n=2)
    return f"; did you mean {' or '.join(f'`{each}`' for each in near)}?" if near else "."


def from_environment(
    environment: Mapping[str, str], prefix: str, known: Collection[str]
) -> tuple[dict[str, str], list[str]]:
    """The texts of the variables that begin with ``prefix``, by setting; and the variables that are none.

    A variable that resembles a setting is given as one, so that it stops the run. The others may well be somebody
    else's: Meltano and Kubernetes set some.
    """
    found = {
        name.removeprefix(prefix).lower(): text
        for name, text in environment.items()
        if name.startswith(prefix) and not name.startswith(f"{prefix}_")
    }
    strays = [
        name
        for name in found
        if name in _NO_SETTINGS or not (name in known or get_close_matches(name, known, cutoff=_RESEMBLES))
    ]
    texts = {name: text for name, text in found.items() if name not in strays}
    return texts, [prefix + name.upper() for name in strays if name not in _NO_SETTINGS]
