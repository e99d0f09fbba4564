"""A ledger in a real PostgreSQL: what it asks does not cost more as it grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from target_crm.ledger import Ledger
from tests.target_crm.ledger.test_growth import asked, use

if TYPE_CHECKING:
    from tests.recipes.conftest import Postgres

__all__ = ["asked"]
GROWN = """
INSERT INTO written (destination, source, stream, key, entity, crm_id, digest, altered)
SELECT 'D', 's', 'stream', 'k' || n, 'Contacts', '13x' || n, 'd', '{}' FROM generate_series(1, 20000) n;
INSERT INTO intents (destination, source, stream, key, entity, at, sent)
SELECT 'D', 'other', 'stream', 'k' || n, 'Contacts', '', '{}' FROM generate_series(1, 20000) n;
INSERT INTO open_links (destination, source, stream, key, field, refers_to, to_key)
SELECT 'D', 'other', 'stream', 'k' || n, 'field', '[]', n::text FROM generate_series(1, 20000) n;
ANALYZE
"""
FEW = 40
"""Blocks of 8 KiB; each of these tables, and each of their indexes, has more than a hundred."""


def test_no_statement_reads_a_whole_table(postgres: Postgres, asked: list[tuple[str, Any]]) -> None:
    url = postgres.url.replace("postgresql:", "postgresql+psycopg:")
    Ledger(url, destination="D", source="s").close()
    postgres.ask(GROWN)
    opened = Ledger(url, destination="D", source="s")
    del asked[:]
    use(opened)
    statements = {statement: values for statement, values in asked if not statement.startswith("INSERT")}
    engine = sa.create_engine(url)
    blocks = {}
    with engine.connect() as db:
        for statement, values in statements.items():
            explained = db.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", values).scalar_one()
            blocks[statement] = sum(explained[0]["Plan"][f"Shared {kind} Blocks"] for kind in ("Hit", "Read"))
    engine.dispose()
    assert len(blocks) > 20
    assert not {statement: read for statement, read in blocks.items() if read > FEW}
