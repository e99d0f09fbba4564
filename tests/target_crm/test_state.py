"""State leaves in order, as soon as all before it is durable, and never before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from crm_simulators.base import Fault
from target_crm.workers import Workers
from tests.target_crm.writing import QuietTarget, pipe, run, settings, state, stored, writes

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from crm_simulators.base import Call
    from crm_simulators.vtiger import VtigerSimulator

PEOPLE = [{"id": str(number), "lastname": f"P{number}"} for number in range(60)]


def with_states(messages: list[dict[str, Any]], every: int = 1) -> list[dict[str, Any]]:
    """A state that counts the records, after every so many of them."""
    told, records = [], 0
    for message in messages:
        told.append(message)
        records += message["type"] == "RECORD"
        if message["type"] == "RECORD" and records % every == 0:
            told.append(state(records))
    return told


def test_a_state_after_each_record_leaves_after_that_record(crm: VtigerSimulator, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    class Watched(QuietTarget):
        def _write_state_message(self, state: dict[str, Any]) -> None:
            super()._write_state_message(state)
            seen.append((state["at"], len([each for each in writes(crm) if each[0] == "create"])))

    told = with_states(pipe("Contacts", PEOPLE[:5]))
    result = run(settings(crm, tmp_path, identify_by="ledger"), told, target=Watched)
    assert result.states == [{"at": number} for number in range(1, 6)]
    assert all(at == written for at, written in seen[:5])


def test_a_state_that_does_not_change_leaves_once(crm: VtigerSimulator, tmp_path: Path) -> None:
    person, *others = pipe("Contacts", PEOPLE[:3])
    told = [state(0), person, state(0), others[0], state(1), others[1], state(1), others[2], state(0)]
    assert run(settings(crm, tmp_path, identify_by="ledger"), told).states == [{"at": 0}, {"at": 1}, {"at": 0}]


def test_a_state_covers_every_stream_before_it(crm: VtigerSimulator, tmp_path: Path) -> None:
    leads = pipe("Leads", [{"id": 1, "lastname": "Lead"}])
    contacts = pipe("Contacts", PEOPLE[:2])
    crm.fault = lambda call: Fault.REFUSED if "P1" in call.form.get("element", "") else None
    told = [contacts[0], leads[0], contacts[1], leads[1], state(1), contacts[2], state(2)]
    result = run(settings(crm, tmp_path, identify_by="ledger"), told)
    assert result.states == [{"at": 1}]
    assert stored(crm, "Leads", lastname="Lead")
    assert "the connection breaks again and again" in result.exit


def test_what_comes_after_a_state_does_not_wait_for_it(
    crm: VtigerSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, finish = list[None](), Workers.finish

    def counted(workers: Workers) -> None:
        waits.append(None)
        finish(workers)

    monkeypatch.setattr(Workers, "finish", counted)
    config = settings(crm, tmp_path, identify_by="ledger", parallel_requests=4)
    people = pipe("Contacts", PEOPLE)
    assert run(config, with_states(people)).states[-1] == {"at": 60}
    with_many = len(waits)
    waits.clear()
    assert run(config, [*people, state(61)]).states == [{"at": 61}]
    assert with_many == len(waits)


def test_a_run_that_breaks_off_says_what_is_durable_and_the_next_ends_it(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, identify_by="ledger", parallel_requests=4)
    told = with_states(pipe("Contacts", PEOPLE), 10)

    def down(call: Call) -> Fault | None:
        return Fault.REFUSED if len(crm.store.records("Contacts")) > 25 and call.form.get("operation") else None

    crm.fault = down
    first = run(config, told)
    written = len([each for each in crm.store.records("Contacts") if each["lastname"].startswith("P")])
    assert first.states[-1]["at"] <= written < 60
    assert "the connection breaks again and again" in first.exit
    crm.fault = lambda _call: None
    assert run(config, told).states[-1] == {"at": 60}
    assert [len(stored(crm, "Contacts", lastname=each["lastname"])) for each in PEOPLE] == [1] * 60


def test_no_state_leaves_while_a_record_before_it_waits(crm: VtigerSimulator, tmp_path: Path) -> None:
    streams = {"Accounts": {"identify_by": ["accountname"]}}
    config = settings(crm, tmp_path, identify_by=["lastname"], streams=streams)
    child = pipe("Contacts", [{"id": "c", "lastname": "Child", "account_id": "Acme"}])
    told = [state(0), *child, state(1), *pipe("Accounts", [{"id": "a", "accountname": "Acme"}]), state(2)]
    assert run(config, told).states == [{"at": 0}, {"at": 2}]
    assert stored(crm, "Contacts", account_id=stored(crm, "Accounts", accountname="Acme")[0]["id"])


def test_a_dry_run_says_no_state(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, identify_by="ledger", dry_run=True)
    assert run(config, with_states(pipe("Contacts", PEOPLE))).output == ""


def test_input_without_state_ends_without_one(crm: VtigerSimulator, tmp_path: Path) -> None:
    assert run(settings(crm, tmp_path, identify_by="ledger"), pipe("Contacts", PEOPLE)).output == ""


def test_state_is_json_as_it_came(crm: VtigerSimulator, tmp_path: Path) -> None:
    odd = {"bookmarks": {"ž": {"x": [1, None, True, "\u2028"]}}}
    result = run(settings(crm, tmp_path, identify_by="ledger"), [{"type": "STATE", "value": odd}])
    assert json.loads(result.output) == odd


def test_a_state_leaves_with_each_digit_of_its_numbers(crm: VtigerSimulator, tmp_path: Path) -> None:
    told: list[Any] = [
        *pipe("Contacts", PEOPLE[:1]),
        '{"type": "STATE", "value": {"at": 1700000000.250000001, "of": NaN}}',
    ]
    result = run(settings(crm, tmp_path, identify_by="ledger"), told)
    assert (result.exit, "1700000000.250000001" in result.output) == ("", True)
