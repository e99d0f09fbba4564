"""Discovery of systems that do not describe themselves: what is an absence there and what is a failure."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Answer
from tests.crm_systems.alfacrm import shown as alfacrm
from tests.crm_systems.egito import shown as egito
from tests.crm_systems.intouch import shown as intouch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crm_simulators.base import Call, Simulator


def answering(simulator: Simulator, answer: Answer, when: Callable[[Call], bool]) -> None:
    """Has the server give the same answer to all that matches."""
    proper = simulator.answer
    simulator.answer = lambda call: answer if when(call) else proper(call)


NOT_FOUND = Answer(b'{"name":"Not Found","status":404}', 404)


def test_alfacrm_a_list_that_every_tenant_has_is_not_absent() -> None:
    with alfacrm.tenant(20) as simulator:
        answering(simulator, NOT_FOUND, lambda call: "/customer/index" in call.path)
        result = alfacrm.read(simulator, "customer", "subject")
    assert "customer: describe: the server does not find this list" in result.exit
    assert result.records["subject"]


def test_alfacrm_a_list_that_a_tenant_may_lack_is_left_out() -> None:
    with alfacrm.tenant(20) as simulator:
        answering(simulator, NOT_FOUND, lambda call: "/pipeline/index" in call.path)
        result, named = alfacrm.read(simulator), alfacrm.read(simulator, "pipeline", "subject")
    assert result.exit == ""
    assert "pipeline is left out" in result.log
    assert "pipeline: `entities` names pipeline, which the CRM does not offer to this user." in named.exit
    assert named.records["subject"]


def test_alfacrm_a_branch_that_fails_does_not_hide_the_entity() -> None:
    with alfacrm.tenant(20) as simulator:
        answering(simulator, NOT_FOUND, lambda call: "/v2api/1/customer/index" in call.path)
        result = alfacrm.read(simulator, "customer")
    assert "customer" in result.exit
    assert "customer" in result.schemas


def test_alfacrm_the_last_page_is_looked_at_as_well() -> None:
    with alfacrm.tenant(60) as simulator:
        simulator.insert("customer", {"name": "Новый", "branch_ids": [1], "is_study": 1, "custom_later": "x"})
        result = alfacrm.read(simulator, "customer", page_size=10)
    assert "custom_later" in result.schemas["customer"]["schema"]["properties"]


@pytest.mark.parametrize("name", ["opportunities", "lists"])
def test_intouch_a_list_that_every_version_has_is_not_absent(name: str) -> None:
    with intouch.installation(20) as simulator:
        answering(simulator, NOT_FOUND, lambda call: call.path == f"/api/{name}")
        result = intouch.read(simulator, name, "parties")
    assert f"{name}: describe: the server does not find this list" in result.exit
    assert result.records["parties"]


def test_intouch_a_list_that_this_version_does_not_have_is_left_out() -> None:
    with intouch.installation(20, flavour="6.2") as simulator:
        result, named = intouch.read(simulator), intouch.read(simulator, "comm", "parties")
    assert result.exit == ""
    assert "comm is left out" in result.log
    assert "comm: `entities` names comm, which the CRM does not offer to this user." in named.exit
    assert named.records["parties"]


def test_intouch_items_of_a_listed_list_that_is_not_found_are_missed() -> None:
    with intouch.installation(20) as simulator:
        answering(simulator, NOT_FOUND, lambda call: call.path == "/api/lists/_enf")
        result = intouch.read(simulator, "list_items")
    assert "list_items" in result.exit


@pytest.mark.parametrize("end", [0, -1], ids=["oldest", "newest"])
def test_intouch_fields_of_the_oldest_and_of_the_newest_are_found(end: int) -> None:
    with intouch.installation(700) as simulator:
        identifier = sorted(int(row["id"]) for row in simulator.records("parties"))[end]
        proper = simulator.answer

        def answer(call: Call) -> Answer:
            given = proper(call)
            if call.path != "/api/parties":
                return given
            told = json.loads(given.body)
            for row in told["items"]:
                row.update({"rare": "x"} if row["id"] == identifier else {})
            return replace(given, body=json.dumps(told).encode())

        simulator.answer = answer
        result = intouch.read(simulator, "parties")
    assert "rare" in result.schemas["parties"]["schema"]["properties"]


@pytest.mark.parametrize("denied", ["Opportunity", "SelectDictionary"])
def test_egito_one_rule_for_what_the_user_may_not_read(denied: str) -> None:
    with egito.tenant() as simulator:
        users: dict[str, Any] = simulator.tokens.users
        name = simulator.config()["username"]
        users[name] = replace(users[name], denied=frozenset({f"{denied}/list"}))
        result = egito.read(simulator)
    assert result.exit == ""
    assert f"{denied} is left out" in result.log
    assert result.records["Lead"]
    assert not result.records[denied]


def test_egito_a_record_that_get_breaks_over_does_not_hide_the_fields_of_the_others() -> None:
    with egito.tenant(short_rows=True) as simulator:
        first = str(simulator.records("Lead")[0]["id"])
        failed = Answer(b"", 500)
        answering(simulator, failed, lambda call: call.path.endswith("/Lead/get") and first in {*call.query.values()})
        properties = egito.read(simulator, "Lead").schemas["Lead"]["schema"]["properties"]
    assert "description" in properties


def test_egito_a_dictionary_that_fails_is_not_an_empty_one(tmp_path: Path) -> None:
    with egito.tenant() as simulator:
        failed = Answer(b"", 503)
        answering(simulator, failed, lambda call: call.query.get("type") == "lead.source")
        result = egito.read(simulator, "Lead", "Contact")
        written = egito.write(simulator, tmp_path, "Lead", {"surname": "Nowak", "sourceId": "WWW"})
        before = len(simulator.records("Lead"))
    assert len(result.records["Lead"]) == before
    assert "not complete:\n  picklists: SelectDictionary: read lead.source" in result.exit
    assert {row["field"] for row in result.records["picklists"]} == {"sexId", "statusId"}
    assert "Lead: the values of a pick list are not known" in written.exit


def test_intouch_a_code_list_that_fails_costs_no_record() -> None:
    with intouch.installation(20) as simulator:
        answering(simulator, Answer(b"", 500), lambda call: call.path == "/api/lists/_enf")
        result = intouch.read(simulator, "parties")
    assert result.exit == ""
    assert len(result.records["parties"]) == len(simulator.records("parties"))
    assert "parties is described without these values" in result.log
