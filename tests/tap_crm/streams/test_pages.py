"""Records that leave page by page: as the SDK writes them one by one, and only what is wanted of them."""

from __future__ import annotations

import gc
import json
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Answer
from crm_systems.compiled import Record
from crm_systems.model import Page
from tests.running import discover, only, run
from tests.tap_crm.leads import leads, live, on_page, stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulators.base import Call
    from crm_simulators.vtiger import VtigerSimulator

    Start = Callable[..., VtigerSimulator]

KEPT = {"id", "lastname", "modifiedtime", "annualrevenue", "_sdc_deleted_at"}


def few_fields(simulator: VtigerSimulator) -> dict[str, Any]:
    """A catalog in which most fields of leads are not selected."""
    catalog = only(discover(leads(simulator)), "Leads")
    for part in catalog["streams"][0]["metadata"]:
        if part["breadcrumb"] and part["breadcrumb"][1] not in KEPT:
            part["metadata"]["selected"] = False
    return catalog


def queries(simulator: VtigerSimulator) -> list[str]:
    """What was asked for, of pages."""
    asked = [call.query.get("query", "") for call in simulator.calls]
    return [query for query in asked if "from Leads" in query and "order by id limit 100;" in query]


def is_of_a_page(thing: Any) -> bool:
    """Whether it is a page, or a list of its records."""
    return isinstance(thing, Page) or (type(thing) is list and bool(thing) and isinstance(thing[0], Record))


@pytest.fixture
def simulator(vtiger: Start) -> VtigerSimulator:
    """Leads with all that is odd: empty, not ASCII, control characters."""
    started = vtiger(rows=250)
    for number, row in enumerate(started.store.records("Leads")):
        odd = ("", "\u017elu\u0165", "a\x01b", 'x":""y', "\U0001f600")[number % 5]
        started.store.put(
            started.store.find(row["id"]), {"lastname": odd or "-", "city": odd, "annualrevenue": "0.00000000"}
        )
    return started


def test_pages_hold_what_single_messages_hold(simulator: VtigerSimulator) -> None:
    catalog = only(discover(leads(simulator)), "Leads")
    pages = run(leads(simulator), catalog=catalog)
    # A stream map that changes nothing, but for fields that a record lacks: these are null then.
    one_by_one = run(leads(simulator, stream_maps={"Leads": {"firstname": "firstname"}}), catalog=catalog)
    assert set(live(pages)) == stored(simulator)
    told = [
        [
            {**dict.fromkeys(one), **each}
            for each, one in zip(way.records["Leads"], one_by_one.records["Leads"], strict=True)
        ]
        for way in (pages, one_by_one)
    ]
    assert told[0] == told[1]
    kinds = [[json.loads(line)["type"] for line in each.output.strip().split("\n")] for each in (pages, one_by_one)]
    assert kinds[0] == kinds[1]
    shapes = {tuple(json.loads(line)) for line in pages.output.strip().split("\n") if '"RECORD"' in line[:20]}
    assert shapes == {("type", "stream", "record", "time_extracted")}


def test_a_page_is_let_go_before_the_next_is_read(simulator: VtigerSimulator) -> None:
    """Else the next one takes fresh memory, which costs an eighth of the CPU."""
    gc.collect()
    catalog, held = only(discover(leads(simulator)), "Leads"), list[Any]()
    on_page(simulator, 2, lambda: held.append(list(filter(is_of_a_page, gc.get_objects()))))
    run(leads(simulator, parallel_requests=1), catalog=catalog)
    assert held == [[]]


def test_only_wanted_columns_are_asked_for(simulator: VtigerSimulator) -> None:
    catalog = few_fields(simulator)
    simulator.calls.clear()
    result = run(leads(simulator), catalog=catalog)
    assert set(live(result)) == stored(simulator)
    assert {name for record in result.records["Leads"] for name in record} <= KEPT
    assert queries(simulator)
    assert not any("*" in query for query in queries(simulator))


def test_all_is_asked_for_where_columns_are_refused(simulator: VtigerSimulator) -> None:
    catalog = few_fields(simulator)
    proper = simulator.answer
    refusal = Answer(b'{"success":false,"error":{"code":"ACCESS_DENIED","message":"x"}}')

    def answer(call: Call) -> Answer:
        return refusal if "annualrevenue" in call.query.get("query", "") else proper(call)

    simulator.answer = answer
    simulator.calls.clear()
    result = run(leads(simulator), catalog=catalog)
    assert set(live(result)) == stored(simulator)
    assert {name for record in result.records["Leads"] for name in record} <= KEPT
    assert [query for query in queries(simulator) if "*" not in query] == []
