"""Asks ``sync`` what was deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm_systems.errors import Denied, NotOffered, Rejected, ServerFault
from crm_systems.model import Deletion, Request
from crm_systems.rows import is_whole_number
from crm_systems.vtiger import vtql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from crm_systems.model import Call, Entity, Row

MEND = "https://crm-singer.github.io/tap-crm/systems/vtiger.html"
WITHOUT_DELETIONS = frozenset({"Users", "Emails"})
"""Modules that sync passes over, or breaks on."""
SHAPE = {"deleted": [str], "lastModifiedTime": is_whole_number}


class Sync:
    """The operation ``sync`` of one server, for one user: many servers and users cannot ask it."""

    def __init__(self) -> None:
        self._refusal: NotOffered | None = None
        self._works = False

    def doubt(self, *, is_administrator: bool, user: str, version: str) -> None:
        """Learns who asks. A server that does not heed ``syncType`` tells him of records of his own only.

        Vtiger refuses whoever is no administrator. coreBOS, whose version is 5, never heeds it, but takes the user with
        the id 1 for one who syncs for all (measured; ``$cbodCSAppSyncUser``).
        """
        if not is_administrator:
            self._refusal = _refusal("only an administrator may ask for them")
        elif version.startswith("5.") and vtql.number_of(user) != 1:
            self._refusal = _refusal(
                "coreBOS tells this user of records of his own only, and all to the one with the id 1"
            )

    def tells(self, entity: Entity) -> bool:
        """Entity modules only; Users and Emails are left out by the server."""
        return bool(entity.private["is_entity"]) and entity.name not in WITHOUT_DELETIONS and entity.key == ("id",)

    def deletions(self, call: Call, entity: Entity, since: datetime) -> Iterator[Deletion]:
        """What was deleted at or after ``since``, converted leads included.

        The lower bound is exclusive and a row of the same second may come later (measured: lost in 12 of 12 tries), so
        each page starts one second before the end of the last.

        Raises:
            NotOffered: the server, or the user, cannot.
        """
        if self._refusal:
            raise self._refusal
        position, seen = int(since.timestamp()) - 1, set[str]()
        while True:
            answer = self._page(call, entity.name, position)
            told, shard = answer["deleted"], entity.shard
            ours = [each for each in told if not shard or shard.has(vtql.number_of(each))]
            yield from (Deletion(each) for each in ours if each not in seen)
            seen.update(told)
            reached = int(answer["lastModifiedTime"])
            if not answer.get("more") or reached <= position:
                return
            position = max(reached - 1, position + 1)

    def _page(self, call: Call, module: str, position: int) -> Row:
        """The first failure says that this server, or this user, cannot."""
        query = {
            "operation": "sync",
            "modifiedTime": str(max(position, 1)),
            "elementType": module,
            "syncType": "application",
        }
        try:
            about = f"{module}: ask for deletions"
            answer: Row = call(Request("GET", about, query=query, shape=SHAPE, patient=self._works))
        except (Denied, Rejected, ServerFault) as error:
            if self._works:
                raise
            is_denied = isinstance(error, Denied)
            reason = "only an administrator may ask for them" if is_denied else "its operation `sync` does not work"
            hint = "" if is_denied else f"as on a fresh Vtiger 7 or 8, which {MEND} tells how to mend"
            self._refusal = _refusal(reason, code=error.code, hint=hint)
            raise self._refusal from None
        self._works = True
        return answer


def _refusal(reason: str, *, code: str = "", hint: str = "") -> NotOffered:
    return NotOffered(f"The CRM does not tell deletions: {reason}", code=code, hint=hint)
