"""Records that are decided upon many at a time end as those that are decided upon one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from crm_simulators.vtiger import VtigerSimulator
from target_crm.sinks import CrmSink
from target_crm.target import CrmTarget
from tests.running import database
from tests.target_crm.writing import pipe, run, settings, stored

if TYPE_CHECKING:
    from pathlib import Path

KEPT = 'select stream, "key", entity, crm_id, digest, altered, base from written order by "key"'


def people() -> list[dict[str, Any]]:
    """Some alike, some broken, some that point to each other, one of two with the same e-mail address."""
    found: list[dict[str, Any]] = [
        {"id": n, "lastname": f"Nováková {n}", "email": f"p{n}@example.com", "birthday": "1990-01-02"}
        for n in range(30)
    ]
    found[3]["birthday"] = "never"
    found[7]["email"] = found[6]["email"]
    found[11]["contact_id"] = "5"
    found[12]["assigned_user_id"] = "nobody"
    return [*found, {**found[2], "lastname": "Changed"}]


def outcome(folder: Path, identify_by: Any) -> tuple[list[Any], ...]:
    """What two runs leave in the CRM and the ledger, and what they say; the second with one change."""
    folder.mkdir()
    said = []
    with VtigerSimulator(rows=5, invoices=2) as crm:
        more = {"max_rejects": -1, "rejects_path": str(folder / "rejects"), "unknown_fields": "drop"}
        config = settings(crm, folder, identify_by=identify_by, parallel_requests=1, **more)
        for turn in range(3):
            coming = [each | {"phone": str(turn // 2)} if each["id"] == 9 else each for each in people()]
            said.append(run(config, pipe("Contacts", coming)).line("Contacts"))
        rows = [
            {name: value for name, value in each.items() if not name.endswith("time")}
            for each in stored(crm, "Contacts")
        ]
    with database(folder / "ledger.sqlite") as db:
        assert not db.execute("select * from intents").fetchall()
        return said, rows, db.execute(KEPT).fetchall()


@pytest.mark.parametrize("identify_by", ["ledger", ["email"]])
def test_many_at_a_time_end_as_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, identify_by: Any) -> None:
    quick = outcome(tmp_path / "quick", identify_by)
    monkeypatch.setattr(CrmSink, "_at_hand", lambda *_arguments: None)
    monkeypatch.setattr(CrmTarget, "_plain_sink", lambda *_arguments: None)
    careful = outcome(tmp_path / "careful", identify_by)
    assert quick == careful
    assert "unchanged" in quick[0][1]


def test_creates_are_noted_together(tmp_path: Path, crm: VtigerSimulator) -> None:
    commits = list[str]()

    def note(db: sa.Connection) -> None:
        commits.append(str(db.engine.url))

    sa.event.listen(sa.Engine, "commit", note)
    try:
        coming = [{"id": str(n), "lastname": f"P{n}"} for n in range(80)]
        config = settings(crm, tmp_path, identify_by="ledger", parallel_requests=4)
        assert run(config, pipe("Contacts", coming)).line("Contacts").endswith("80 create")
    finally:
        sa.event.remove(sa.Engine, "commit", note)
    assert len(commits) < 20


def test_what_was_noted_and_never_sent_is_not_left_to_the_next_run(tmp_path: Path, crm: VtigerSimulator) -> None:
    coming = [{"id": str(n), "lastname": f"P{n}", "birthday": "never" if n == 1 else None} for n in range(9)]
    result = run(settings(crm, tmp_path, identify_by="ledger", parallel_requests=1), pipe("Contacts", coming))
    assert "No more than 0 may be" in result.exit
    assert len(stored(crm, "Contacts", lastname="P0")) == 1
    with database(tmp_path / "ledger.sqlite") as db:
        assert not db.execute("select * from intents").fetchall()
        assert db.execute("select count(*) from written").fetchone() == (1,)
