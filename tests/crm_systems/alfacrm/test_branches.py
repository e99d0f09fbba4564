"""alfaCRM: records are found, changed and made in the branch that they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Fault
from tests.crm_systems.alfacrm.shown import client, entity, settings, stored, tenant, writes
from tests.crm_systems.alfacrm.written import PERSON, by_id, write
from tests.target_crm.writing import record, run, schema

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "switches", [{"writes_stay_in_branch": True}, {"unknown_id": "errors"}, {"delete": "archive"}], ids=str
)
def test_records_of_other_branches_are_changed_and_deleted(switches: dict[str, Any]) -> None:
    with tenant(60, **switches) as simulator, client(simulator) as opened:
        known = entity(opened, "customer")
        elsewhere = next(row["id"] for row in stored(simulator, "customer") if row["branch_ids"] == [3])
        row = opened.system.get(opened.call, known, str(elsewhere))
        assert row is not None
        opened.system.update(opened.call, known, row, {"note": "нашли"})
        assert by_id(simulator, "customer")[elsewhere]["note"] == "нашли"
        opened.system.delete(opened.call, known, str(elsewhere))
        left = by_id(simulator, "customer").get(elsewhere)
        assert left is None or left["e_date"] < "2027"
        opened.system.delete(opened.call, known, "987654321")


def test_members_join_in_the_branch_of_their_group() -> None:
    with tenant(60) as simulator, client(simulator) as opened:
        known = entity(opened, "cgi")
        group = next(row["id"] for row in stored(simulator, "group") if row["branch_ids"] == [2])
        member = {"customer_id": 2, "group_id": group, "b_date": "2035-09-01", "e_date": "2036-09-01"}
        row = opened.system.create(opened.call, known, member)
    assert row["branch_id"] == 2
    assert writes(simulator)[0][0] == "2/cgi/create"


def test_a_create_whose_answer_is_lost_in_a_branch_that_the_run_made_is_done_once(tmp_path: Path) -> None:
    with tenant(10) as simulator:
        branch, person = (
            {"id": "new", "name": "Северный", "is_active": True},
            {"id": "1", **PERSON, "branch_ids": ["new"]},
        )
        faults = [Fault.LOST_ANSWER]
        simulator.fault = lambda call: faults.pop() if faults and call.path.endswith("customer/create") else None
        ledger = {"ledger_url": f"sqlite:///{tmp_path}/ledger.sqlite", "identify_by": "ledger"}
        told = [
            message
            for name, row in (("branch", branch), ("customer", person))
            for message in (schema(name, row, ["id"]), record(name, **row))
        ]
        assert run({**settings(simulator, branches=None), **ledger}, told).exit == ""
        assert not faults
        assert sum(row["name"] == PERSON["name"] for row in stored(simulator, "customer")) == 1


def test_nothing_is_made_in_a_branch_in_which_it_would_not_be_found_again(tmp_path: Path) -> None:
    with tenant(10) as simulator:
        person = {"id": "1", **PERSON, "branch_ids": [3]}
        closed = write(simulator, tmp_path, "customer", person, identify_by=["name"])
        assert "its branch is closed, or left out by `branches`: name it in `branches`" in closed.exit
        assert writes(simulator) == []
        named = write(simulator, tmp_path, "customer", person, identify_by=["name"], branches=[1, 3])
        assert (named.exit, "1 create" in named.line("customer")) == ("", True)
