"""The databases of the connectors, when several runs come to one at the same moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from crm_singer.databases import engine_of, make_tables
from tap_crm.sent_keys import KEYS
from target_crm.ledger.tables import WRITTEN

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("metadata", [KEYS.metadata, WRITTEN.metadata], ids=["keys", "ledger"])
def test_another_run_is_faster_with_each_table(metadata: sa.MetaData, tmp_path: Path) -> None:
    engine, other = (engine_of(f"sqlite:///{tmp_path}/shared.sqlite") for _run in range(2))
    made: list[str] = []

    def be_faster(table: sa.Table, _db: sa.Connection, **_more: Any) -> None:
        if table.name not in made:
            made.append(table.name)
            table.create(other)

    for table in metadata.sorted_tables:
        sa.event.listen(table, "before_create", be_faster)
    try:
        make_tables(metadata, engine)
    finally:
        for table in metadata.sorted_tables:
            sa.event.remove(table, "before_create", be_faster)
    assert {*made} == metadata.tables.keys() == {*sa.inspect(engine).get_table_names()}
    for each in (engine, other):
        each.dispose()
