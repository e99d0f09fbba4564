"""Fields that records came without, since the catalog did not have them then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_crm.state.bookmarks import BEGINNING, LEFT_OUT
from tap_crm.state.place import READING

if TYPE_CHECKING:
    from collections.abc import Collection, Container


def leave_out(state: dict[str, Any], names: Collection[str]) -> None:
    """Notes fields that records come without in a stream's state."""
    if names:
        state[LEFT_OUT] = sorted({*state.get(LEFT_OUT, ()), *names})


def begin_anew_for(fields: Container[str], state: dict[str, Any], replication_key: str | None) -> list[str]:
    """Those of the fields that were left out before; where there are some, the stream is read from the beginning.

    Nothing is taken out of its state: whoever merges that with an older one would put it back.
    """
    found = [name for name in state.get(LEFT_OUT, ()) if name in fields]
    if found:
        state |= {"replication_key": replication_key, "replication_key_value": BEGINNING.isoformat()}
        state |= {"overlap": [], LEFT_OUT: [], READING: ""}
    return found
