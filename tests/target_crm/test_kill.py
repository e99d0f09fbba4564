"""``kill -9`` at any moment, then a second run: nothing lost, nothing doubled. SIGTERM: an orderly end."""

from __future__ import annotations

import json
import os
import signal
import threading
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Fault
from crm_simulators.vtiger import VtigerSimulator
from tests.running import SLOW
from tests.target_crm.processes import command, lines_of, start
from tests.target_crm.writing import is_write, pipe, run, settings, state, stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crm_simulators.base import Call

ACCOUNTS = pipe("Accounts", [{"id": f"a{number}", "accountname": f"Acme {number}"} for number in range(4)])
CONTACTS = pipe(
    "Contacts",
    [
        {"id": f"c{number}", "lastname": "Same", "email": f"e{number}@x.cz", "account_id": f"a{number % 4}"}
        for number in range(5)
    ],
)
MODES: dict[str, dict[str, Any]] = {
    "ledger": {"identify_by": "ledger"},
    "match": {"identify_by": ["email"], "streams": {"Accounts": {"identify_by": ["accountname"]}}},
}
MOMENTS = {"before it is carried out": Fault.REFUSED, "after it was carried out": Fault.LOST_ANSWER}


def messages(mode: str) -> list[dict[str, Any]]:
    """Nine records with a state after every second one; by ledger, the last two accounts come after the contacts."""
    accounts, contacts = ACCOUNTS, json.loads(json.dumps(CONTACTS))
    if mode == "match":
        for each in contacts[1:]:
            each["record"]["account_id"] = f"Acme {each['record']['account_id'][1:]}"
    records = [*accounts[1:3], *contacts[1:], *accounts[3:]] if mode == "ledger" else [*accounts[1:], *contacts[1:]]
    told = [accounts[0], contacts[0]]
    for number, each in enumerate(records, 1):
        told += [each, state(number)] if number % 2 == 0 else [each]
    return told


def check(crm: VtigerSimulator) -> None:
    """Every record is there once, linked to its account."""
    ids = {}
    for number in range(4):
        found = stored(crm, "Accounts", accountname=f"Acme {number}")
        assert len(found) == 1
        ids[number] = found[0]["id"]
    for number in range(5):
        found = stored(crm, "Contacts", email=f"e{number}@x.cz")
        assert [each["account_id"] for each in found] == [ids[number % 4]], number


def durable(crm: VtigerSimulator, told: list[dict[str, Any]]) -> int:
    """How many of the first records are in the CRM."""
    names = {each["accountname"] for each in crm.store.records("Accounts")}
    names |= {each["email"] for each in crm.store.records("Contacts")}
    records = [each["record"] for each in told if each["type"] == "RECORD"]
    there = [record.get("accountname", record.get("email")) in names for record in records]
    return [*there, False].index(False)


def killer(process: list[Any], at: int, which: Callable[[Call], bool], moment: Fault) -> Callable[[Call], Fault | None]:
    """Kills the process at the n-th of such requests."""
    numbers = iter(range(1, 1000))

    def fault(call: Call) -> Fault | None:
        if not which(call) or next(numbers) != at:
            return None
        os.kill(process[0].pid, signal.SIGKILL)
        return moment

    return fault


SWEEPS: dict[str, tuple[Callable[[Call], bool], int, Fault]] = {
    "a write before it is carried out": (is_write, 1, Fault.REFUSED),
    "a write after it was carried out": (is_write, 1, Fault.LOST_ANSWER),
    "every third look": (lambda call: not is_write(call), 3, Fault.REFUSED),
}


@pytest.mark.sweep
@pytest.mark.parametrize("sweep", SWEEPS)
@pytest.mark.parametrize("mode", MODES)
def test_killed_at_any_request_nothing_is_lost_or_doubled(mode: str, sweep: str, tmp_path: Path) -> None:
    told = messages(mode)
    which, step, moment = SWEEPS[sweep]
    at, code = 1 if step == 1 else 11, -signal.SIGKILL
    while code:
        assert at < 100
        folder = tmp_path / str(at)
        folder.mkdir()
        with VtigerSimulator(rows=2, invoices=0) as crm:
            config = settings(crm, folder, **MODES[mode])
            process: list[Any] = []
            ready = threading.Event()
            kill = killer(process, at, which, moment)
            crm.fault = lambda call, kill=kill, ready=ready: kill(call) if ready.wait(5) else None  # type: ignore[misc]  # bound in the loop
            process.append(start(config, told, folder))
            ready.set()
            process[0].join(30)
            code = process[0].exitcode
            assert code in {0, -signal.SIGKILL}
            states = [json.loads(line)["at"] for line in (folder / "output").read_text("utf-8").splitlines()]
            assert max(states, default=0) <= durable(crm, told), f"the state ran ahead, killed at {at}"
            crm.fault = lambda _call: None
            assert run(config, told).exit == "", f"killed at {at}"
            check(crm)
        at += step
    assert at > (9 if step == 1 else 20), "each of the nine records was met"


@pytest.mark.sweep
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("mode", MODES)
def test_the_command_is_killed_in_a_create(mode: str, moment: str, tmp_path: Path) -> None:
    with VtigerSimulator(rows=2, invoices=0) as crm:
        config = settings(crm, tmp_path, **MODES[mode], settle_seconds=0)
        crm.latency = SLOW
        process = command(config, tmp_path)

        def fault(call: Call) -> Fault | None:
            if "e3@x.cz" not in call.form.get("element", "") or process.returncode is not None:
                return None
            os.kill(process.pid, signal.SIGKILL)
            return MOMENTS[moment]

        crm.fault = fault
        process.communicate(lines_of(messages(mode)), timeout=30)
        assert process.returncode == -signal.SIGKILL
        crm.fault = lambda _call: None
        again = command(config, tmp_path)
        again.communicate(lines_of(messages(mode)), timeout=30)
        assert again.returncode == 0
        check(crm)


def test_what_the_crm_filled_in_of_a_record_that_a_killed_run_made_is_nobodys_edit(tmp_path: Path) -> None:
    lead = {"id": "l1", "lastname": "Novák", "company": "Acme", "noofemployees": None, "annualrevenue": "12.3456789"}
    told = pipe("Leads", [lead])
    with VtigerSimulator(rows=2) as crm:
        config = settings(crm, tmp_path, identify_by="ledger", settle_seconds=0)
        process: list[Any] = []
        kill = killer(process, 1, is_write, Fault.LOST_ANSWER)
        crm.fault = lambda call: kill(call) if process else None
        process.append(start(config, told, tmp_path))
        process[0].join(30)
        crm.fault = lambda _call: None
        before = stored(crm, "Leads", lastname="Novák")
        assert run(config, told).line("Leads").endswith("1 unchanged")
        assert stored(crm, "Leads", lastname="Novák") == before
        told = pipe("Leads", [{**lead, "noofemployees": 7}])
        assert run(config, told).line("Leads").endswith("1 update")
        assert stored(crm, "Leads", lastname="Novák")[0]["noofemployees"] == "7"


@pytest.mark.parametrize("names", [("Novakova", "Nova"), ("NOVA", "nova")], ids=str)
def test_what_a_create_made_is_not_taken_for_one_that_made_nothing_and_is_much_alike(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    told = pipe("Contacts", [{"id": str(number), "lastname": name} for number, name in enumerate(names)])
    process: list[Any] = []
    with VtigerSimulator(rows=0) as crm:
        config = settings(crm, tmp_path, identify_by="ledger", parallel_requests=2)
        kill = killer(
            process,
            1,
            lambda call: is_write(call) and f'"{names[1]}"' in call.form["element"],
            MOMENTS["after it was carried out"],
        )
        crm.fault = lambda call: kill(call) or (Fault.REFUSED if is_write(call) and process else None)
        process.append(start(config, told, tmp_path))
        process[0].join(60)
        crm.fault = lambda _call: None
        assert [each["lastname"] for each in crm.store.records("Contacts")] == [names[1]]
        assert run(config, told).exit == ""
        assert sorted(each["lastname"] for each in crm.store.records("Contacts")) == sorted(names)


@pytest.mark.parametrize("parallel", [1, 4])
def test_a_termination_ends_after_what_was_begun_with_the_state_of_just_that(tmp_path: Path, parallel: int) -> None:
    told = messages("ledger")
    with VtigerSimulator(rows=2, invoices=0) as crm:
        crm.latency = SLOW
        process = command(settings(crm, tmp_path, identify_by="ledger", parallel_requests=parallel), tmp_path)

        def fault(call: Call) -> None:
            if "e2@x.cz" in call.form.get("element", ""):
                os.kill(process.pid, signal.SIGTERM)

        crm.fault = fault
        output, log = process.communicate(lines_of(told), timeout=30)
        assert process.returncode == 128 + signal.SIGTERM
        assert "Traceback" not in log
        assert "Asked to end: what has come is written first" in log
        states = [json.loads(line)["at"] for line in output.splitlines()]
        # Several workers may have begun what came behind the next state by then.
        assert states == [2, 4, 6] or (parallel > 1 and states == [2, 4, 6, 8])
        assert durable(crm, told) == states[-1]
        crm.fault = lambda _call: None
        run(settings(crm, tmp_path, identify_by="ledger"), told)
        check(crm)


@pytest.mark.parametrize("moment", [Fault.ERROR_BEFORE, Fault.ERROR_AFTER], ids=lambda each: each.name)
def test_a_termination_that_a_failing_server_draws_out_may_end_in_a_kill(tmp_path: Path, moment: Fault) -> None:
    told, process, signals = messages("ledger"), list[Any](), {3: signal.SIGTERM, 4: signal.SIGKILL}
    with VtigerSimulator(rows=2, invoices=0, flavour="corebos") as crm:
        config, ready, numbers = settings(crm, tmp_path, identify_by="ledger"), threading.Event(), count(1)

        def fault(call: Call) -> Fault | None:
            if not is_write(call) or not ready.wait(5) or (number := next(numbers)) < min(signals):
                return None
            if number in signals:
                os.kill(process[0].pid, signals[number])
            return moment

        crm.fault = fault
        process.append(start(config, told, tmp_path))
        ready.set()
        process[0].join(30)
        assert process[0].exitcode == -signal.SIGKILL or moment is Fault.ERROR_AFTER
        states = [json.loads(line)["at"] for line in (tmp_path / "output").read_text("utf-8").splitlines()]
        assert max(states, default=0) <= durable(crm, told)
        crm.fault = lambda _call: None
        assert run(config, told).exit == ""
        check(crm)


def test_a_termination_is_heeded_while_no_input_comes(tmp_path: Path) -> None:
    with VtigerSimulator(rows=2, invoices=0) as crm:
        process = command(settings(crm, tmp_path, identify_by="ledger"), tmp_path)
        assert process.stdin
        assert process.stdout
        process.stdin.write(lines_of([*ACCOUNTS[:3], state(2), ACCOUNTS[3]]))
        process.stdin.flush()
        assert json.loads(process.stdout.readline()) == {"at": 2}
        # Time to read the record behind the state and to wait for the next, which no event tells.
        threading.Event().wait(0.3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM
        assert len([each for each in crm.store.records("Accounts") if each["accountname"].startswith("Acme")]) == 3
        process.communicate()
