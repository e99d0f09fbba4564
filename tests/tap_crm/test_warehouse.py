"""What a warehouse survives: U+0000, deletions, what has vanished, and names that it likes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_crm.naming import Names, snake
from tap_crm.options import OWN_SETTINGS, problems
from tests.running import discover, only, run
from tests.tap_crm.leads import leads, live, stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulators.vtiger import VtigerSimulator

    Start = Callable[..., VtigerSimulator]

ODD = {
    "a\0b": "a\ufffdb",
    "\0": "\ufffd",
    "\0\0": "\ufffd\ufffd",
    "\\u0000": "\\u0000",
    "\\\0": "\\\ufffd",
    "\\\\u0000\0": "\\\\u0000\ufffd",
    "\x01\u2028": "\x01\u2028",
}
"""Texts, and what leaves of them."""
# A stream map that changes nothing sends records one by one.
PATHS: tuple[dict[str, Any], ...] = (
    {},
    {"stream_maps": {"Leads": {"firstname": "firstname"}}},
    {"names": "snake_case"},
)


@pytest.mark.parametrize("more", PATHS, ids=["pages", "one by one", "renamed"])
def test_nul_is_replaced_and_counted_once(vtiger: Start, more: dict[str, Any]) -> None:
    simulator = vtiger(rows=0)
    ids = {simulator.store.insert("Leads", {"lastname": "x", "description": text}): text for text in ODD}
    stream = "leads" if more.get("names") else "Leads"
    result = run(leads(simulator, **more))
    assert result.exit == ""
    assert {key: each["description"] for key, each in live(result, stream).items()} == {
        key: ODD[text] for key, text in ids.items()
    }
    assert result.log.count("U+0000") == 1
    assert f"{stream}: U+0000, which many databases refuse, left as U+FFFD (times: 6)." in result.log
    kept = run(leads(simulator, nul="keep", **more))
    assert {key: each["description"] for key, each in live(kept, stream).items()} == ids
    assert "U+0000" not in kept.log


def test_what_only_looks_like_nul_is_not_told(vtiger: Start) -> None:
    simulator = vtiger(rows=0)
    simulator.store.insert("Leads", {"lastname": "x", "description": "\\u0000"})
    assert "U+0000" not in run(leads(simulator)).log


def test_deletions_leave_the_records_alone(vtiger: Start) -> None:
    simulator = vtiger()
    config = leads(simulator, deletion_records="stream")
    first = run(config)
    assert first.records["deleted_records"] == []
    assert "_sdc_deleted_at" not in first.schemas["Leads"]["schema"]["properties"]
    simulator.clock.advance(3600)
    gone = sorted(stored(simulator))[:3]
    for identifier in gone:
        simulator.store.delete(identifier)
    second = run(config, state=first.state)
    assert second.exit == ""
    assert second.records["Leads"] == []
    assert [(each["entity"], each["id"]) for each in second.records["deleted_records"]] == [
        ("Leads", each) for each in gone
    ]
    assert second.schemas["deleted_records"]["key_properties"] == ["entity", "id"]
    assert [each["type"] for each in second.messages if each.get("stream") == "deleted_records"] == [
        "SCHEMA",
        *["RECORD"] * 3,
    ]
    assert run(config, state=second.state).records["deleted_records"] == []


def test_deletions_without_their_stream_are_made_good_once_it_is_selected(vtiger: Start) -> None:
    simulator = vtiger()
    config = leads(simulator, deletion_records="stream")
    catalog = discover(config)
    first = run(config, catalog=only(catalog, "Leads"))
    simulator.clock.advance(3600)
    gone = min(stored(simulator))
    simulator.store.delete(gone)
    second = run(config, catalog=only(catalog, "Leads"), state=first.state)
    assert second.log.count("Deletions are not told, since the stream `deleted_records` is not selected,") == 1
    third = run(config, catalog=only(catalog, "Leads", "deleted_records"), state=second.state)
    assert [each["id"] for each in third.records["deleted_records"]] == [gone]
    marked = run({**config, "deletion_records": "marked"}, catalog=catalog, state=second.state)
    assert "Deletions are not told, since the field `_sdc_deleted_at` is not selected," in marked.log


@pytest.mark.parametrize(
    ("place", "maps"),
    [
        ("stream", {"deleted_records": None}),
        ("stream", {"Leads": {"email": "email"}, "__else__": None}),
        ("stream", {"deleted_records": {"noticed_at": None}}),
        ("marked", {"Leads": {"id": "id", "email": "email", "__else__": None}}),
        ("marked", {"Leads": {"_sdc_deleted_at": None}}),
    ],
    ids=str,
)
def test_deletions_that_stream_maps_leave_out_are_made_good_once_they_do_not(
    vtiger: Start, place: str, maps: dict[str, Any]
) -> None:
    simulator = vtiger()
    config = leads(simulator, deletion_records=place)
    mapped = {**config, "stream_maps": maps}
    first = run(mapped)
    simulator.clock.advance(3600)
    gone = min(stored(simulator))
    simulator.store.delete(gone)
    second = run(mapped, state=first.state)
    assert "or left out by `stream_maps`" in second.log
    assert not any(gone in str(each) for each in second.messages if each["type"] == "RECORD"), "as if it were emptied"
    third = run(config, state=second.state).records
    assert [each["id"] for each in third["deleted_records" if place == "stream" else "Leads"]] == [gone]


@pytest.mark.parametrize("maps", [{"__filter__": "email != None"}, {"email": "email.lower()"}], ids=str)
def test_stream_maps_let_deletions_through(vtiger: Start, maps: dict[str, str]) -> None:
    simulator = vtiger()
    config = leads(simulator, deletion_records="marked", stream_maps={"Leads": maps})
    first = run(config)
    simulator.clock.advance(3600)
    gone = min(stored(simulator))
    simulator.store.delete(gone)
    told = run(config, state=first.state).records["Leads"]
    assert [(each["id"], bool(each["_sdc_deleted_at"])) for each in told] == [(gone, True)]


def test_no_deletion_leaves_without_its_key(vtiger: Start) -> None:
    simulator = vtiger()
    maps = {"Leads": {"hash": "md5(email)", "__key_properties__": ["hash"]}}
    config = leads(simulator, deletion_records="marked", stream_maps=maps)
    first = run(config)
    assert first.exit == ""
    simulator.clock.advance(3600)
    simulator.store.delete(min(stored(simulator)))
    second = run(config, state=first.state)
    assert "tap-crm: Leads: a record cannot be sent: `stream_maps` fails on it" in second.exit
    assert not second.records["Leads"]


def test_fields_reach_the_warehouse_with_their_labels(vtiger: Start) -> None:
    simulator = vtiger()
    result = run({**simulator.config(), "entities": ["Contacts"]})
    told = {each["field"]: each for each in result.records["fields"]}
    assert told.keys() == result.schemas["Contacts"]["schema"]["properties"].keys()
    assert told["lastname"] == {
        "entity": "Contacts",
        "entity_label": "Contacts",
        "field": "lastname",
        "label": "Last Name",
        "kind": "string",
        "mandatory": True,
        "refers_to": [],
    }
    assert told["account_id"]["refers_to"] == ["Accounts"]


@pytest.mark.parametrize("fault", [None, "missing", "away"])
def test_a_version_is_active_when_it_is_whole(vtiger: Start, fault: str | None) -> None:
    simulator = vtiger("corebos", rows=0)
    ids = [simulator.store.insert("Leads", {"lastname": f"{number}"}) for number in range(3)]
    config = {**leads(simulator), "emit_activate_version_messages": "true", "skip_unreadable": True}
    catalog = only(discover(config), "Leads", "fields", replication_method="FULL_TABLE")
    if fault == "missing":
        # A record whose owner is gone cannot be handed out.
        simulator.store.change(ids[0], {"assigned_user_id": "999"})
    if fault == "away":
        catalog["streams"][0]["tap_stream_id"] = catalog["streams"][0]["stream"] = "Nothing"
    result = run(config, catalog=catalog)
    kinds = [(each["type"], each.get("stream")) for each in result.messages if each["type"] != "STATE"]
    version = {each["version"] for each in result.messages if each["type"] in {"RECORD", "ACTIVATE_VERSION"}}
    assert len(version) == 1
    assert kinds[-1] == ("ACTIVATE_VERSION", "fields")
    assert (("ACTIVATE_VERSION", "Leads") in kinds) is (fault is None)
    off = run({**config, "emit_activate_version_messages": "false"}, catalog=catalog)
    assert "version" not in off.output


def test_names_for_a_warehouse(vtiger: Start) -> None:
    simulator = vtiger()
    config = {**simulator.config(), "entities": ["HelpDesk"], "names": "snake_case", "stream_prefix": "crm_"}
    catalog = discover(config)
    assert "HelpDesk" in {each["tap_stream_id"] for each in catalog["streams"]}
    first = run(config, catalog=catalog)
    assert first.schemas.keys() == {"crm_help_desk", "crm_fields", "crm_picklists", "crm_deleted_records"}
    assert set(live(first, "crm_help_desk")) == stored(simulator, "HelpDesk")
    assert set(first.state["bookmarks"]) >= {"HelpDesk"}
    simulator.clock.advance(3600)
    simulator.store.delete(gone := min(stored(simulator, "HelpDesk")))
    second = run(config, catalog=catalog, state=first.state)
    assert [each["id"] for each in second.records["crm_deleted_records"]] == [gone]


def test_fields_in_snake_case(vtiger: Start) -> None:
    simulator = vtiger()
    config = leads(simulator, names="snake_case", stream_maps={"Leads": {"ModifiedBy": "modifiedby"}})
    result = run(config, catalog=only(discover(config), "Leads"))
    schema = result.schemas["leads"]
    assert "modified_by" in schema["schema"]["properties"]
    assert (schema["key_properties"], schema["bookmark_properties"]) == (["id"], ["modifiedtime"])
    assert {name for each in result.records["leads"] for name in each} <= schema["schema"]["properties"].keys()


@pytest.mark.parametrize(
    ("maps", "names"),
    [
        ({"Leads": {"__alias__": "Contacts"}, "Contacts": None}, {"contacts"}),
        ({"Leads": {"__alias__": "contacts"}}, {"contacts", "Contacts"}),
    ],
)
def test_a_stream_that_is_called_as_another_one(vtiger: Start, maps: dict[str, Any], names: set[str]) -> None:
    simulator = vtiger()
    config = {**simulator.config(), "entities": ["Leads", "Contacts"], "names": "snake_case", "stream_maps": maps}
    result = run(config, catalog=only(discover(config), "Leads", "Contacts"))
    assert (result.exit, set(result.schemas)) == ("", names)
    assert {each["id"] for each in result.records["contacts"]} == stored(simulator)


@pytest.mark.parametrize(
    ("name", "snaked"),
    [
        ("HelpDesk", "help_desk"),
        ("SMSNotifier", "sms_notifier"),
        ("customer-tariff", "customer_tariff"),
        ("mainPhoneNumber", "main_phone_number"),
        ("cf_751", "cf_751"),
        ("_sdc_deleted_at", "_sdc_deleted_at"),
        ("Životopis.2", "životopis_2"),
    ],
)
def test_snake_case(name: str, snaked: str) -> None:
    assert snake(name) == snaked


def test_no_two_names_become_one_and_which_would_is_said(caplog: pytest.LogCaptureFixture) -> None:
    names = Names("", "snake_case", lambda: ["FAQ", "Faq", "faq", "help_desk", "HelpDesk"])
    assert dict(names.of_fields("Leads", ["fooBar", "foo_bar", "Foo"])) == {
        "fooBar": "fooBar",
        "foo_bar": "foo_bar",
        "Foo": "foo",
    }
    assert len(caplog.messages) == 1
    assert (
        "Leads: the fields foo_bar and fooBar are both foo_bar in snake case, so fooBar keeps its name" in caplog.text
    )
    assert [names.of_stream(each) for each in ("FAQ", "Faq", "faq", "HelpDesk")] == ["FAQ", "Faq", "faq", "HelpDesk"]
    assert "The streams help_desk and HelpDesk are both help_desk in snake case" in caplog.text


def test_no_part_is_taken_for_the_whole_table() -> None:
    settings = dict.fromkeys(each.name for each in OWN_SETTINGS) | {"emit_activate_version_messages": True}
    assert problems(settings) == []
    (problem,) = problems({**settings, "shard": "1/2"})
    assert "cannot go with `shard`" in problem
