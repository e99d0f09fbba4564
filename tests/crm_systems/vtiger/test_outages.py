"""A Vtiger whose database is away, and one record that breaks the server: told apart, also when they come together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Answer, Call, Fault
from crm_simulators.outage import Outage
from crm_simulators.vtiger import VtigerSimulator
from tests.running import QuietTap, Run, discover, only, run
from tests.target_crm import writing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BROKEN = Answer(b"", 500, "text/html; charset=UTF-8")


def refusal(code: str) -> Answer:
    """An error in the CRM's own form."""
    return Answer(json.dumps({"success": False, "error": {"code": code}}).encode())


AWAY = {
    "HTTP 500": [BROKEN],
    "a text": [Answer(b"Could not connect to the database, please check the configuration.", 200, "text/html")],
    "an internal error": [refusal("INTERNAL_SERVER_ERROR")],
    "a query error": [refusal("DATABASE_QUERY_ERROR")],
    "a denial, then HTTP 500": [refusal("ACCESS_DENIED"), BROKEN],
}
"""What a server without its database answers, in the order in which it does; the last again and again."""


def started(outage_at: int, away: list[Answer], spoilt: str = "") -> tuple[VtigerSimulator, Outage]:
    """A server that is away from a request on, for a minute, and breaks over one contact if that is asked for."""
    simulator = VtigerSimulator(rows=60)
    outage = Outage(simulator, lambda call: call.number == outage_at, Fault.ERROR_BEFORE)
    proper, coming = simulator.answer, [*away]

    def answer(call: Call) -> Answer:
        if outage(call) or outage.is_on:
            return coming.pop(0) if len(coming) > 1 else coming[0]
        given = proper(call)
        whole = "select *" in call.query.get("query", "")
        return BROKEN if spoilt and whole and f'"id":"{spoilt}"' in given.body.decode().replace(" ", "") else given

    simulator.answer = answer
    return simulator, outage


def reading(simulator: VtigerSimulator, outage: Outage, catalog: Any, **settings: Any) -> Run:
    class Patient(QuietTap):
        sleep = staticmethod(outage.sleep)  # type: ignore[assignment]  # it does not sleep

    config = {**simulator.config(), "entities": ["Contacts"], "page_size": 30, "skip_unreadable": True, **settings}
    return run(config, catalog=catalog, tap=Patient)


@pytest.mark.parametrize("away", AWAY.values(), ids=AWAY.keys())
def test_only_the_record_that_breaks_the_server_is_left_out(away: list[Answer]) -> None:
    with VtigerSimulator(rows=60) as healthy:
        catalog = only(discover({**healthy.config(), "entities": ["Contacts"]}), "Contacts")
        everything = sorted(row["id"] for row in healthy.store.records("Contacts"))
    spoilt = everything[len(everything) // 2]
    simulator, outage = started(-1, away, spoilt)
    with simulator:
        result = reading(simulator, outage, catalog)
        requests = len(simulator.calls)
        assert "Waiting" not in result.log
    for number in range(3, requests, 4):
        simulator, outage = started(number, away, spoilt)
        with simulator:
            result = reading(simulator, outage, catalog)
            assert result.exit == ""
            found = sorted(row["id"] for row in result.records["Contacts"])
            assert found == [each for each in everything if each != spoilt], f"at request {number}"


@pytest.mark.sweep
@pytest.mark.parametrize("first", [3, 4])
@pytest.mark.parametrize(
    "away", [AWAY[name] for name in AWAY if name != "HTTP 500"]
)  # which all systems are tried with
def test_no_record_is_rejected_while_the_database_is_away(away: list[Answer], first: int, tmp_path: Path) -> None:
    values = [{"key": f"k{n}", "lastname": f"Newcomer {n}"} for n in range(4)]
    messages = writing.pipe("Contacts", [*values, {**values[0], "title": "changed"}], ["key"])

    def load(simulator: VtigerSimulator, folder: Path, sleep: Callable[[float], None]) -> writing.Run:
        folder.mkdir()
        target = type("Patient", (writing.QuietTarget,), {"sleep": staticmethod(sleep)})
        return writing.run(writing.settings(simulator, folder, identify_by="ledger"), messages, target=target)

    simulator, outage = started(-1, away)
    with simulator:
        load(simulator, tmp_path / "all", outage.sleep)
        requests = len(simulator.calls)
    for number in range(first, requests, 4):
        simulator, outage = started(number, away)
        with simulator:
            result = load(simulator, tmp_path / str(number), outage.sleep)
            assert result.exit == "", f"at request {number}"
            assert result.line("Contacts").startswith("Contacts → Contacts: 4 create, 1 update")
            for each in values:
                writing.one(simulator, "Contacts", lastname=each["lastname"])


def test_several_readers_say_once_that_they_wait() -> None:
    with VtigerSimulator(rows=60) as healthy:
        catalog = only(discover({**healthy.config(), "entities": ["Contacts"]}), "Contacts")
    simulator, outage = started(20, [BROKEN])
    with simulator:
        result = reading(simulator, outage, catalog, parallel_requests=4, page_size=5)
        assert result.exit == ""
        assert result.log.count("Waiting for it") <= 2
        assert len(result.records["Contacts"]) == len(simulator.store.records("Contacts"))


def test_a_shorter_patience() -> None:
    simulator, outage = started(8, [BROKEN])
    with simulator:
        result = reading(simulator, outage, None, patience_seconds=20)
        assert "Waiting for it, 20 s at the most" in result.log
        assert "the server failed (HTTP 500): Waited 20 s for it (`patience_seconds`)." in result.exit
