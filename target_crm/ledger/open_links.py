"""References that are set later: the records they point to have not been written yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm_singer.databases import portions
from target_crm.ledger.rows import link_in, link_row
from target_crm.ledger.tables import RECORD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import sqlalchemy as sa

    from target_crm.ledger.database import Database
    from target_crm.ledger.entries import Link
    from target_crm.ledger.statements import Statements


class OpenLinks:
    """The open references of what ``ours`` names; any number of threads may use it."""

    def __init__(self, database: Database, does: Statements, ours: Mapping[str, str]) -> None:
        self._database = database
        self._does = does
        self._ours = ours

    def leave(self, stream: str, key: str, fields: Iterable[str], links: Iterable[Link]) -> None:
        """Notes the references of a record that are to be set later, in place of those of the same ``fields``."""
        places, those = [(key, each) for each in fields], list(links)
        self._database.replace(lambda db: self.replace(db, stream, places, those))

    def replace(self, db: sa.Connection, stream: str, places: Iterable[tuple[str, str]], links: Iterable[Link]) -> None:
        """The same, of several records, each place a key and a field, as a part of what a transaction does."""
        its = {**self._ours, "its_stream": stream}
        if closed := [{**its, "its_key": key, "its_field": name} for key, name in places]:
            self._does.close_link(db, closed)
        row = {name: its[f"its_{name}"] for name in RECORD[:3]}
        if left := [{**row, "key": each.key, **link_row(each)} for each in links]:
            db.execute(self._does.add_link, left)

    def close(self, link: Link) -> None:
        """Notes that a reference was set."""
        self.leave(link.stream, link.key, [link.field], ())

    def to(self, keys: Iterable[str] | None = None) -> list[Link]:
        """The references that wait for incoming records with these keys; for any, if none are named."""
        if keys is None:
            return [link_in(row) for row in self._database.read(self._does.links, self._ours)]
        if not self._database.read(self._does.any_link, self._ours):
            return []
        found = (
            self._database.read(self._does.links_to, {**self._ours, "its_to_key": some}) for some in portions(keys)
        )
        return [link_in(row) for rows in found for row in rows]
