"""A field that a read left out, since the catalog did not have it, comes of all records once the catalog has it."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.vtiger import VtigerSimulator
from crm_singer.deletions import DELETED_AT
from tests.contract.subjects import change, records
from tests.running import Run, discover, only, run

if TYPE_CHECKING:
    from tests.contract.subjects import Subject

ROWS = 30
AGAIN = "all is read again, since earlier runs left out"


def without(catalog: dict[str, Any], field: str) -> dict[str, Any]:
    """The catalog as it was before somebody made the field."""
    for stream in catalog["streams"]:
        stream["schema"]["properties"].pop(field, None)
        stream["metadata"] = [each for each in stream["metadata"] if each["breadcrumb"][1:] != [field]]
    return catalog


def test_a_field_that_was_left_out_comes_of_all_records_once_it_is_known(subject: Subject) -> None:
    with subject.start(ROWS) as crm:
        config, name = subject.config(crm), subject.text
        new = only(discover(config), subject.entity)
        old = without(only(new, subject.entity), name)
        before = records(crm, subject.entity)
        for row in before:
            change(crm, subject.entity, str(row["id"]), {name: f"of {row['id']}"})
        crm.clock.advance(7200)
        first = run(config, catalog=old)
        assert f"{subject.entity}: fields that discovery did not see are left out: {name}" in first.log
        crm.clock.advance(7200)
        still = run(config, catalog=old, state=first.state)
        assert still.records[subject.entity] == []
        second = run(config, catalog=new, state=still.state)
        assert second.log.count(f"{subject.entity}: {AGAIN} {name}") == 1
        came = {str(row["id"]): row[name] for row in second.records[subject.entity]}
        assert came == {str(row["id"]): f"of {row['id']}" for row in before}
        crm.clock.advance(7200)
        third = run(config, catalog=new, state=second.state)
    assert third.records[subject.entity] == []
    assert AGAIN not in third.log


@pytest.mark.parametrize(("kind", "fit"), [("number", (int, Decimal)), ("boolean", (bool,))])
def test_what_is_a_text_by_now_is_not_sent_as_what_it_was(subject: Subject, kind: str, fit: tuple[type, ...]) -> None:
    with subject.start(ROWS) as crm:
        config, name = subject.config(crm), subject.text
        catalog = only(discover(config), subject.entity)
        (stream,) = (each for each in catalog["streams"] if each["tap_stream_id"] == subject.entity)
        stream["schema"]["properties"][name] = {"type": [kind, "null"], "description": kind}
        change(crm, subject.entity, str(records(crm, subject.entity)[0]["id"]), {name: "neither"})
        crm.clock.advance(7200)
        result = run(config, catalog=catalog)
        again = run(config, state=result.state)
    values = [row.get(name) for row in result.records[subject.entity]]
    assert values
    assert all(value is None or isinstance(value, fit) for value in values)
    assert f"values that do not fit their field's type, or hold half a character: {name} (" in result.log
    assert f"{subject.entity}: {name}: values do not fit the type that the catalog has" in result.exit
    assert "neither" in {row.get(name) for row in again.records[subject.entity]}


@pytest.mark.parametrize("described", [True, False])
def test_values_are_of_the_type_that_somebody_chose(subject: Subject, *, described: bool) -> None:
    """As `schema` in Meltano does it, which takes the description away, or by hand."""
    with subject.start(ROWS) as crm:
        catalog = only(discover(subject.config(crm)), subject.entity)
        (stream,) = (each for each in catalog["streams"] if each["tap_stream_id"] == subject.entity)
        stream["schema"]["properties"] = {
            name: {"type": ["string", "null"], **({"description": facts["description"]} if described else {})}
            for name, facts in stream["schema"]["properties"].items()
        }
        result = run(subject.config(crm), catalog=catalog)
        assert len(result.records[subject.entity]) == len(records(crm, subject.entity))
    assert result.exit == ""
    values = [value for row in result.records[subject.entity] for value in row.values()]
    assert {type(value) for value in values} == {str, type(None)}


def test_a_time_may_be_chosen_to_be_a_day(subject: Subject) -> None:
    with subject.start(ROWS) as crm:
        catalog = only(discover(subject.config(crm)), subject.entity)
        (stream,) = (each for each in catalog["streams"] if each["tap_stream_id"] == subject.entity)
        times = {name for name, facts in stream["schema"]["properties"].items() if facts.get("format") == "date-time"}
        times -= {DELETED_AT}
        stream["schema"]["properties"] |= {each: {"type": ["string", "null"], "format": "date"} for each in times}
        result = run(subject.config(crm), catalog=catalog)
        assert len(result.records[subject.entity]) == len(records(crm, subject.entity))
    assert result.exit == ""
    values = [row[name] for row in result.records[subject.entity] for name in times & row.keys() if row[name]]
    assert values
    assert all(re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value) for value in values)


@pytest.mark.parametrize("is_merged", [False, True], ids=["after one that was cut off", "merged with a whole state"])
def test_reading_all_again_may_be_cut_off(*, is_merged: bool) -> None:
    with VtigerSimulator(rows=1200) as crm:
        config = {**crm.config(), "entities": ["Contacts"], "page_size": 20}
        new = discover(config)
        for row in crm.store.records("Contacts"):
            crm.clock.advance(60)
            crm.store.change(row["id"], {"title": f"of {row['id']}"})
        first = run(config, catalog=without(only(new, "Contacts"), "title"))
        state = (first if is_merged else half(first)).state
        crm.clock.advance(7200)
        cut = half(run(config, catalog=new, state=state))
        last = run(config, catalog=new, state=merged(state, cut.state) if is_merged else cut.state)
        assert "this one goes on with it" in last.log
        came = {row["id"]: row["title"] for row in cut.records["Contacts"] + last.records["Contacts"]}
        assert came == {row["id"]: row["title"] for row in crm.store.records("Contacts")}


def half(whole: Run) -> Run:
    """What a run gave that was cut off in the middle."""
    lines = whole.output.split("\n")
    return Run("\n".join(lines[: len(lines) // 2]), "")


def merged(old: Any, new: Any) -> Any:
    """What an orchestrator makes of the last whole state and that of a run that was cut off."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    return {name: merged(old.get(name), new[name]) if name in new else old[name] for name in [*old, *new]}
