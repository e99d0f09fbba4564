"""Single scenes of two ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from crm_simulators.alfacrm import AlfaCrmSimulator, Switches
from tests.contract.subjects import SEX, SUBJECTS, records
from tests.running import database
from tests.target_crm.writing import run
from tests.two_ways.machine import is_write
from tests.two_ways.pipes import Pipe
from tests.two_ways.scene import ANN, Scene, scene
from tests.two_ways.sides import Side

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = {"first_name": "firstname", "last_name": "lastname", "note": "description"}


def test_both_keys_stand_in_the_ledger_and_an_echo_costs_no_request_but_the_reading(tmp_path: Path) -> None:
    with scene(tmp_path) as both:
        with database(tmp_path / "ledger.sqlite") as ledger:
            rows = ledger.execute("SELECT source, destination, key, crm_id FROM written ORDER BY source").fetchall()
        ledger.close()
        ids = both.twin(both.a), both.twin(both.b)
        assert rows == [("a", "Vtiger at b", *ids), ("b", "Vtiger at a", *ids[::-1])]
        both.a.edit(ids[0], "note", "second")
        both.go(both.to_b)
        messages = both.to_a.read()
        before = len(both.a.simulator.calls)
        assert both.to_a.write(messages) == ""
        asked = [each for each in both.a.simulator.calls[before:] if "id = " in each.query.get("query", "")]
        assert asked == []


def test_an_edit_that_takes_back_what_came_travels_too(tmp_path: Path) -> None:
    with scene(tmp_path) as both:
        both.a.edit(both.twin(both.a), "note", "second")
        both.go(both.to_b)
        # A record that shows the second in which it was read before, and what it held then, has not changed.
        both.b.simulator.clock.advance(1)
        both.b.edit(both.twin(both.b), "note", "first")
        both.go(both.to_a)
        assert both.one(both.a)["note"] == "first"
        both.go()
        assert both.one(both.b)["note"] == "first"


def test_who_was_entered_on_both_sides_is_met_by_the_fields_after_the_ledger(tmp_path: Path) -> None:
    with scene(tmp_path, identify_by=["ledger", "email"]) as both:
        bob = {**ANN, "first_name": "Bob", "email": "bob@example.com"}
        both.a.create(bob)
        both.b.create({**bob, "note": "theirs"})
        both.go()
        assert sorted(each["first_name"] for each in both.b.people().values()) == ["Ann", "Bob"]
        assert sorted(each["first_name"] for each in both.a.people().values()) == ["Ann", "Bob"]
        both.a.edit(both.twin_of("Bob", both.a), "email", "robert@example.com")
        both.go()
        assert len(both.b.people()) == 2
        assert sorted(each["note"] for each in both.b.people().values()) == ["first", "first"]


def test_a_deletion_travels_once(tmp_path: Path) -> None:
    with scene(tmp_path) as both:
        both.b.delete(both.twin(both.b))
        both.go()
        assert both.a.people() == both.b.people() == {}
        before = [len(side.simulator.calls) for side in (both.a, both.b)]
        both.go()
        for side, number in zip((both.a, both.b), before, strict=True):
            assert not any(is_write(each) for each in side.simulator.calls[number:])


@pytest.mark.parametrize("is_entered_in", ["a", "b"])
def test_a_record_that_is_restored_is_not_deleted_by_the_echo_of_its_end(tmp_path: Path, is_entered_in: str) -> None:
    with scene(tmp_path) as both:
        bob = {**ANN, "first_name": "Bob", "email": "bob@example.com"}
        (both.a if is_entered_in == "a" else both.b).create(bob)
        both.go()
        both.go()
        here, store = both.twin_of("Bob", both.a), cast("Any", both.a.simulator).store
        both.a.delete(here)
        both.go(both.to_b)
        store.find(here).deleted = False
        store.change(here, {})
        both.go(both.to_a)
        both.go()
        both.go()
        for side in (both.a, both.b):
            assert sorted(each["first_name"] for each in side.people().values()) == ["Ann", "Bob"]


def test_what_a_crm_archives_in_place_of_deleting_is_not_made_again(tmp_path: Path) -> None:
    archiving = AlfaCrmSimulator(rows=0, switches=Switches(requests_per_second=None, delete="archive"))
    with SUBJECTS["vtiger"].start(0) as vtiger, archiving as alfacrm:
        both = Scene(Side("vtiger", "a", vtiger), Side("alfacrm", "b", alfacrm), tmp_path, max_rejects=0)
        both.a.create(ANN)
        both.go()
        both.a.delete(both.twin(both.a))
        for _round in range(2):
            both.go()
            alfacrm.clock.advance(7200)
            both.b.edit(archived := both.twin(both.b), "last_name", "Nova")
            assert both.a.people() == {}
        both.b.edit(archived, "note", "second")
        assert "it was deleted, as 12x" in both.to_a.write(both.to_a.read())
        assert both.a.people() == {}


def test_a_twin_is_not_taken_for_somebody_else(tmp_path: Path) -> None:
    with scene(tmp_path, identify_by=["ledger", "email"]) as both:
        both.b.create({**ANN, "first_name": "Bea"})
        both.go(both.to_a)
        assert both.one(both.a)["first_name"] == "Ann"


def test_a_constant_does_not_overwrite_what_the_other_side_has(tmp_path: Path) -> None:
    with scene(tmp_path, "vtiger", "egito") as both:
        simulator: Any = both.b.simulator
        sexes = [row["id"] for row in simulator.records("SelectDictionary") if row["type"] == "sex"]
        hers = next(each for each in sexes if str(each) != SEX)
        crm_id = simulator.insert("Lead", {"name": "Eva", "surname": "Nova", "sexId": hers})
        both.go(both.to_a)
        both.a.edit(both.twin_of("Eva", both.a), "note", "new")
        both.go(both.to_b)
        (eva,) = (row for row in simulator.records("Lead") if str(row["id"]) == str(crm_id))
        assert (eva["sexId"], eva["description"]) == (hers, "new")


def test_each_may_call_things_as_its_crm_does(tmp_path: Path) -> None:
    with SUBJECTS["vtiger"].start(0) as a, SUBJECTS["alfacrm"].start(0) as b:
        one, other = Side("vtiger", "a", a), Side("alfacrm", "b", b)
        plain = {"unknown_fields": "drop", "stream_maps": {}}
        there = {"entity": "customer", "fields": {"lastname": "name", "description": "note"}}
        back = {
            "entity": "Contacts",
            "fields": {"name": "lastname", "note": "description", "email": None, "phone": None},
        }
        maps = {"Contacts": {"__else__": None, "lastname": "lastname", "description": "description", "id": "id"}}
        one.own_tap = {"stream_maps": {**maps, "picklists": None}}
        other.own_tap = {"stream_maps": {"customer": {"__else__": None, "name": "name", "note": "note", "id": "id"}}}
        new = {"Contacts": {"legal_type": "1", "is_study": "1"}}
        to_b = Pipe(one, other, tmp_path, **{**plain, "stream_maps": new, "streams": {"Contacts": there}})
        to_a = Pipe(other, one, tmp_path, **{**plain, "streams": {"customer": back}})
        crm_id = one.create(ANN)
        other.create({"last_name": "Novak", "note": "b"})
        for _round in range(2):
            for pipe in (to_b, to_a):
                assert pipe.write(pipe.read()) == ""
        one.edit(crm_id, "note", "second")
        for pipe in (to_b, to_a):
            assert pipe.write(pipe.read()) == ""
        for side in (one, other):
            found = {(each["last_name"], each["note"]) for each in side.people().values()}
            assert found == {("Nova", "second"), ("Novak", "b")}


def test_a_field_that_is_new_to_both_pipelines_is_brought_together(tmp_path: Path) -> None:
    notes = {
        "Bea": ("a1", "b1"),
        "Cid": ("a2", "b2"),
        "Dan": ("a3", ""),
        "Eve": ("", "b4"),
        "Fay": ("a5", ""),
        "Gus": ("", "b6"),
    }
    with scene(tmp_path) as both:
        fields = [pipe.settings["streams"]["people"]["fields"] for pipe in (both.to_a, both.to_b)]
        for each in fields:
            each["note"] = None
        for number, name in enumerate(notes):
            (both.a, both.b)[number % 2].create({**ANN, "first_name": name, "note": ""})
        both.go()
        for side, number in ((both.a, 0), (both.b, 1)):
            for name, values in notes.items():
                side.edit(both.twin_of(name, side), "note", values[number])
            side.state = None
        for each in fields:
            each["note"] = "description"
        told = []
        for pipe in (both.to_b, both.to_a, both.to_b):
            both.go(pipe)
            told += [(each["name"].split()[0], each["theirs"], each["done"]) for each in pipe.conflicts()]
        held = [{each["first_name"]: each["note"] for each in side.people().values()} for side in (both.a, both.b)]
        assert held[0] == held[1]
        # Of the two that differ, the pipeline whose destination made the record has the last word.
        assert held[0] == {"Ann": "first", "Bea": "a1", "Cid": "b2", "Dan": "a3", "Eve": "b4", "Fay": "a5", "Gus": "b6"}
        assert told == [("Bea", "b1", "written"), ("Cid", "b2", "left"), ("Cid", "a2", "written")]


def test_two_pipelines_that_call_a_stream_differently_make_nothing_once_more(tmp_path: Path) -> None:
    with scene(tmp_path) as both:
        settings = both.to_a.settings
        settings["streams"]["persons"] = settings["streams"]["people"]
        both.b.state = None
        messages = [each.replace('"people"', '"persons"') for each in both.to_a.read()]
        end = run(settings, messages).exit
        assert "of the stream persons is what the ledger knows by the stream people from b to Vtiger at a" in end
        assert len(both.a.people()) == 1


def test_a_record_may_come_by_a_stream_of_its_own_beside_its_twin(tmp_path: Path) -> None:
    with scene(tmp_path) as both:
        settings = {**both.to_a.settings, "streams": {"newsletter": {"entity": "Leads", "fields": FIELDS}}}
        both.b.state = None
        messages = [each.replace('"people"', '"newsletter"') for each in both.to_a.read()]
        assert run(settings, messages).exit == ""
        assert [each["lastname"] for each in records(both.a.simulator, "Leads")] == ["Nova"]


def test_what_a_pipeline_brought_before_it_named_its_crm_is_not_made_once_more(tmp_path: Path) -> None:
    with SUBJECTS["vtiger"].start(0) as a, SUBJECTS["vtiger"].start(0) as b:
        found = Scene(Side("vtiger", "a", a), Side("vtiger", "b", b), tmp_path)
        del found.to_b.settings["destination"]
        found.a.create(ANN)
        found.go(found.to_b)
        assert "by the stream people from a to Vtiger at 127.0.0.1" in found.to_a.write(found.to_a.read())
        assert len(found.a.people()) == 1
