"""What the ledger asks its database does not cost more as it grows."""

from __future__ import annotations

from datetime import datetime, timezone
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from target_crm.ledger import Create, Intent, Ledger, Link, Written
from tests.running import database

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

AT = datetime(2026, 11, 21, 12, 0, 1, tzinfo=timezone.utc)
INDEXES = ("ix_written_ids", "ix_written_keys", "ix_open_links_to_keys")


@pytest.fixture
def asked() -> Iterator[list[tuple[str, Any]]]:
    """Every statement that SQLAlchemy sends, with its values."""
    found: list[tuple[str, Any]] = []

    def note(_db: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        found.append((statement, values[0] if many else values))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    yield found
    sa.event.remove(sa.Engine, "before_cursor_execute", note)


def use(ledger: Ledger) -> None:
    """Asks all that can be asked."""
    written = Written("Contacts", "12x1", "d")
    intent = Intent("stream", "1", "Contacts", AT, {})
    link = Link("stream", "1", "account_id", ("Accounts",), "7")
    ledger.respell(lambda name: name.upper())
    ledger.intents.note([Create(intent, None)])
    ledger.intents.take(ledger.intents.of("stream", "1")[0])
    ledger.intents.take(Intent("stream", "2", "Contacts", AT, {}))
    ledger.intents.hold("stream", "1")
    ledger.intents.drop("stream", "1")
    ledger.links.leave("stream", "1", ["account_id"], [link])
    ledger.note("stream", "1", written)
    ledger.written_of("stream", ["1", "2"])
    ledger.rename("stream", "1", "2")
    ledger.pointed_to.look_ahead(["8", "9"])
    ledger.pointed_to.ids_of(["Contacts"], "2")
    ledger.keys_of("Contacts", ["12x1", "12x2"])
    ledger.links.to(["7", "8"])
    ledger.links.to()
    ledger.links.close(link)
    assert ledger.elsewhere("another") == set()
    assert ledger.is_known
    ledger.forget("stream", "2")
    ledger.intents.note([Create(intent, None)])
    ledger.close()


def test_no_statement_reads_a_whole_table(tmp_path: Path, asked: list[tuple[str, Any]]) -> None:
    path = tmp_path / "ledger"
    opened = Ledger(f"sqlite:///{path}", destination="D", source="s", clock=count(step=10).__next__)
    del asked[:]
    use(opened)
    with database(path) as db:
        plans = {
            statement: [step[3] for step in db.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
            for statement, values in asked
            if not statement.startswith("INSERT")
        }
    assert len(plans) > 20
    assert not {statement: plan for statement, plan in plans.items() if any(each.startswith("SCAN") for each in plan)}
    keys = [plan for statement, plan in plans.items() if 'written."key" IN' in statement and "crm_id" in statement]
    assert any("(destination=? AND source=? AND key=?)" in plan[0] for plan in keys)


def test_what_many_references_point_to_is_asked_for_at_once(tmp_path: Path, asked: list[tuple[str, Any]]) -> None:
    opened = Ledger(f"sqlite:///{tmp_path}/ledger", destination="D", source="s")
    keys = [str(number) for number in range(300)]
    for key in keys[:-1]:
        opened.note("accounts", key, Written("Accounts", f"11x{key}", "d"), later=True)
    opened.flush()
    del asked[:]
    opened.pointed_to.look_ahead(keys)
    assert [opened.pointed_to.ids_of(["Accounts"], key) for key in keys[:-1]] == [[f"11x{key}"] for key in keys[:-1]]
    assert len(asked) == 1
    # What was not there may have come.
    opened.note("accounts", keys[-1], Written("Accounts", "11x7", "d"))
    assert opened.pointed_to.ids_of(["Accounts"], keys[-1]) == ["11x7"]
    opened.close()


def test_an_intent_is_asked_for_where_something_was_waited_for(tmp_path: Path, asked: list[tuple[str, Any]]) -> None:
    now = [1000.0]
    opened = Ledger(f"sqlite:///{tmp_path}/ledger", destination="D", source="s", clock=lambda: now[0])
    opened.intents.note([Create(Intent("stream", "1", "Contacts", AT, {}), None)])
    for moment, has_waited, is_asked in (
        (1000.0, False, False),
        (1004.9, False, False),
        (1004.9, True, True),
        (1005.0, False, True),
        (999.0, False, True),
    ):
        now[0] = moment
        del asked[:]
        opened.intents.hold("stream", "1", has_waited=has_waited)
        assert bool(asked) == is_asked
    opened.close()


def test_a_ledger_of_an_earlier_version_gets_its_indexes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger"
    Ledger(url, destination="d", source="s").close()
    with database(tmp_path / "ledger") as db:
        for name in INDEXES:
            db.execute(f"DROP INDEX {name}")
    Ledger(url, destination="d", source="s").close()
    with database(tmp_path / "ledger") as db:
        there = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    assert there.issuperset(INDEXES)


def test_what_a_reference_points_to_is_asked_for_once_until_it_changes(
    tmp_path: Path, asked: list[tuple[str, Any]]
) -> None:
    opened = Ledger(f"sqlite:///{tmp_path}/ledger", destination="D", source="s")
    assert opened.pointed_to.ids_of(["Accounts"], "7") == []
    opened.note("accounts", "7", Written("Accounts", "11x1", "d"))
    del asked[:]
    assert [opened.pointed_to.ids_of(["Accounts"], "7") for _each in range(3)] == [["11x1"]] * 3
    assert opened.pointed_to.ids_of(["Contacts"], "7") == []
    assert len(asked) == 1
    opened.note("contacts", "7", Written("Contacts", "12x1", "d"))
    assert sorted(opened.pointed_to.ids_of((), "7")) == ["11x1", "12x1"]
    opened.forget("accounts", "7")
    assert opened.pointed_to.ids_of((), "7") == ["12x1"]
    opened.rename("contacts", "7", "8")
    assert opened.pointed_to.ids_of((), "7") == []
    opened.close()


@pytest.mark.parametrize("ask", ["ids_of", "look_ahead"])
def test_what_was_written_while_it_was_asked_for_is_not_remembered_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: str
) -> None:
    opened = Ledger(f"sqlite:///{tmp_path}/ledger", destination="D", source="s")
    opened.note("accounts", "7", Written("Accounts", "11x1", "d"))
    read = opened._database.read

    def read_late(statement: sa.Executable, values: Mapping[str, Any]) -> Any:
        found = read(statement, values)
        monkeypatch.undo()
        opened.note("contacts", "7", Written("Contacts", "12x1", "d"), later=True)
        return found

    monkeypatch.setattr(opened._database, "read", read_late)
    opened.pointed_to.look_ahead(["7"]) if ask == "look_ahead" else opened.pointed_to.ids_of(["Contacts"], "7")
    assert opened.pointed_to.ids_of(["Contacts"], "7") == ["12x1"]
    opened.close()
