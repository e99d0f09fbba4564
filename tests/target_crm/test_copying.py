"""What the tap emits goes back, or into another CRM, with references linked anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_simulators.vtiger import VtigerSimulator
from tests.running import discover, only
from tests.running import run as run_tap
from tests.target_crm.writing import one, run, settings, writes

if TYPE_CHECKING:
    from pathlib import Path

STREAMS = ("Accounts", "Contacts", "Potentials")
OWN = frozenset(
    {"id", "createdtime", "modifiedtime", "modifiedby", "created_user_id", "source", "starred", "tags", "campaignid"}
)
"""What each CRM sets for itself, and what points to entities that are not copied."""


def emitted(crm: VtigerSimulator) -> list[str]:
    """What the tap says of the three streams."""
    found = run_tap(crm.config(), catalog=only(discover(crm.config()), *STREAMS))
    assert found.exit == ""
    return found.output.splitlines()


def test_what_the_tap_emits_can_be_written_back_and_changes_nothing(crm: VtigerSimulator, tmp_path: Path) -> None:
    messages = emitted(crm)
    before = {name: crm.store.records(name) for name in STREAMS}
    result = run(settings(crm, tmp_path, identify_by="id"), messages)
    assert result.exit == ""
    assert writes(crm) == []
    assert {name: crm.store.records(name) for name in STREAMS} == before
    assert "are left out: contact_no, createdtime" in result.log


def test_a_copy_holds_the_same_with_references_linked_anew(tmp_path: Path) -> None:
    with VtigerSimulator(rows=40, invoices=2) as source, VtigerSimulator(rows=0, invoices=0) as copy:
        rows = {name: source.store.records(name) for name in STREAMS}
        source.store.change(rows["Accounts"][0]["id"], {"account_id": rows["Accounts"][-1]["id"]})
        rows = {name: source.store.records(name) for name in STREAMS}
        messages = emitted(source)
        config = settings(copy, tmp_path, identify_by="ledger", default_owner="admin")
        first = run(config, messages)
        assert first.exit == ""
        assert "stored otherwise than sent: cf_" in first.line("Accounts"), "a script among the odd values"
        ids: dict[str, str] = {}
        for name, label in zip(STREAMS, ("accountname", "lastname", "potentialname"), strict=True):
            assert len(copy.store.records(name)) == len(rows[name]) > 2
            ids |= {row["id"]: one(copy, name, **{label: row[label]})["id"] for row in rows[name]}
        for name in STREAMS:
            for row in rows[name]:
                altered = {field for field, value in row.items() if value and "<script" in value}
                held = copy.store.get(ids[row["id"]])
                assert held is not None
                assert _shape(held, {}, altered) == _shape(row, ids, altered), name
        copy.calls.clear()
        second = run(config, messages)
        assert second.states == first.states
        assert writes(copy) == []


def test_tasks_and_events_are_copied_and_last_as_long(tmp_path: Path) -> None:
    """Vtiger calls the hours of a task a time, gives them as a plain number, and computes them whatever it is sent."""
    with VtigerSimulator(rows=20, invoices=0) as source, VtigerSimulator(rows=0, invoices=0) as copy:
        needed = {"Calendar": {"taskstatus": "Planned"}, "Events": {"eventstatus": "Planned", "time_end": "11:15:00"}}
        for name, values in needed.items():
            for row in source.store.records(name):
                source.store.change(row["id"], values)
        messages = run_tap(
            source.config(), catalog=only(discover(source.config()), "Calendar", "Events")
        ).output.splitlines()
        config = settings(copy, tmp_path, identify_by="ledger", default_owner="admin")
        first = run(config, messages)
        assert first.exit == ""
        assert "otherwise" not in first.line("Calendar")
        for name in needed:
            assert len(copy.store.records(name)) == len(source.store.records(name)) > 2
        copy.calls.clear()
        assert run(config, messages).exit == ""
        assert writes(copy) == []


def _shape(row: dict[str, Any], ids: dict[str, str], altered: set[str]) -> dict[str, Any]:
    """What a copy must hold, but for scripts, which the server encodes; an empty number was made 0 by it."""
    shaped = {name: ids.get(value, value) for name, value in row.items() if _is_copied(name) and name not in altered}
    return {name: None if _is_nothing(value) else value for name, value in shaped.items()}


def _is_copied(name: str) -> bool:
    return name not in OWN and not name.endswith("_no") and name not in {"deleted", "isconvertedfromlead"}


def _is_nothing(value: Any) -> bool:
    return value in (None, "") or (isinstance(value, str) and not value.strip("0.-"))
