"""Every fault at every request of a run, then a clean second run: every record exactly once, as sent."""

from __future__ import annotations

from copy import deepcopy
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import Self

from crm_simulators.base import SLOW, Fault
from crm_simulators.vtiger import VtigerSimulator
from tests.target_crm.writing import is_write, pipe, run, stored

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNTS: list[dict[str, Any]] = [
    {"id": f"a{number}", "accountname": f"Acme {number}", "employees": number} for number in range(6)
]
CONTACTS: list[dict[str, Any]] = [
    {"id": f"c{number}", "lastname": "Same", "email": f"e{number}@example.com", "account_id": f"a{number % 6}"}
    for number in range(9)
]
OLD = 2
"""So many accounts and contacts were there before, and are changed by the run."""
MODES: dict[str, dict[str, Any]] = {
    "ledger": {"identify_by": "ledger"},
    "match": {"identify_by": ["email"], "streams": {"Accounts": {"identify_by": ["accountname"]}}},
}

APART = 6
"""So many requests lie between two faults of one run."""


class Bench:
    """A CRM with some of the records in it; each trial begins there anew."""

    def __init__(self, mode: str, folder: Path) -> None:
        self._ledger = folder / "ledger"
        self._mode = MODES[mode]
        self.crm = VtigerSimulator(rows=2, invoices=0).start()
        self.config = {**self.crm.config(), **self._mode, "ledger_url": f"sqlite:///{self._ledger}"}
        before = [{**each, "employees": 99} for each in ACCOUNTS[:OLD]]
        people = [{**each, "lastname": "Before"} for each in CONTACTS[:OLD]]
        assert run(self.config, [*self.messages(before), *self.messages(people)]).exit == ""
        store = self.crm.store
        self._start = (self._ledger.read_bytes(), deepcopy(store.tables), store.sequence)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.crm.stop()

    def begin(self) -> None:
        """Puts CRM and ledger back to where they were."""
        ledger, tables, self.crm.store.sequence = self._start
        self._ledger.write_bytes(ledger)
        self.crm.store.tables = deepcopy(tables)
        self.crm.calls.clear()
        self.crm.fault = lambda _call: None

    def messages(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """A stream of these; by match, references are labels, since ids of the source mean nothing then."""
        stream = "Accounts" if "accountname" in records[0] else "Contacts"
        by_label = self.config["identify_by"] != "ledger"
        names = {each["id"]: each["accountname"] for each in ACCOUNTS}
        return pipe(
            stream,
            [
                {**each, "account_id": names[each["account_id"]]} if by_label and "account_id" in each else each
                for each in records
            ],
        )

    @property
    def input(self) -> list[dict[str, Any]]:
        """All records; some children come before their parents."""
        first, *rest = self.messages(ACCOUNTS)
        children = self.messages(CONTACTS)
        late = 2 if self.config["identify_by"] == "ledger" else 0
        return [first, *rest[: len(rest) - late], *children, *rest[len(rest) - late :]]

    def check(self) -> None:
        """Every record is there once, as it was sent."""
        ids: dict[str, str] = {}
        for each in ACCOUNTS:
            found = stored(self.crm, "Accounts", accountname=each["accountname"])
            assert [row["employees"] for row in found] == [str(each["employees"])], each["id"]
            ids[each["id"]] = found[0]["id"]
        for each in CONTACTS:
            found = stored(self.crm, "Contacts", email=each["email"])
            assert [(row["lastname"], row["account_id"]) for row in found] == [("Same", ids[each["account_id"]])]


@pytest.mark.parametrize("mode", MODES)
def test_without_a_fault_each_record_is_one_write(mode: str, tmp_path: Path) -> None:
    with Bench(mode, tmp_path) as bench:
        bench.begin()
        assert run(bench.config, bench.input).exit == ""
        bench.check()
        assert len([call for call in bench.crm.calls if is_write(call)]) >= len(ACCOUNTS + CONTACTS)
        bench.crm.calls.clear()
        assert run(bench.config, bench.input).exit == ""
        assert not any(map(is_write, bench.crm.calls))


@pytest.mark.sweep
@pytest.mark.parametrize("fault", [each for each in Fault if each not in SLOW], ids=lambda fault: fault.name)
@pytest.mark.parametrize("mode", MODES)
def test_a_fault_at_any_request_loses_and_doubles_nothing(mode: str, fault: Fault, tmp_path: Path) -> None:
    with Bench(mode, tmp_path) as bench:
        first, hit, length = 1, set[int](), 1
        while first <= length:
            bench.begin()
            # Several faults a run, far apart, so that fewer runs meet every request.
            due = {number for number in range(first, first + 200, APART) if number not in hit}
            bench.crm.fault = lambda call, due=due: fault if call.number in due else None  # type: ignore[misc]  # bound in the loop
            survived = run(bench.config, bench.input)
            assert survived.exit == "", f"{fault.name} at the requests {sorted(due)}"
            length = len(bench.crm.calls)
            hit |= {number for number in due if number <= length}
            bench.crm.fault = lambda _call: None
            again = run(bench.config, bench.input)
            assert again.exit == "", f"{fault.name} at the requests {sorted(due)}"
            bench.check()
            first = next(number for number in count(1) if number not in hit)
        assert len(hit) > 40
