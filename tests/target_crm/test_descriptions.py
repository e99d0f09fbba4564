"""What tap-crm tells of its CRM beside the records: nothing is written of it, and deletions are applied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.running import run as run_tap
from tests.target_crm.writing import pipe, record, run, schema, settings, stored, writes

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator

CONTACTS: list[dict[str, Any]] = [{"id": "1", "lastname": "Nova"}, {"id": "2", "lastname": "Novak"}]


def told(identifier: str, at: Any = "2026-01-01T00:00:00Z") -> list[dict[str, Any]]:
    """The stream of deletions with one record."""
    row = {"entity": "Contacts", "id": identifier, "noticed_at": at}
    return pipe("deleted_records", [row], keys=("entity", "id"), owner=None)


def names(crm: VtigerSimulator) -> set[str]:
    return {row["lastname"] for row in stored(crm, "Contacts") if row["lastname"] in {"Nova", "Novak"}}


@pytest.mark.parametrize("deletes", ["apply", "ignore"])
def test_a_deletion_told_apart_is_applied_as_a_marked_one(crm: VtigerSimulator, tmp_path: Path, deletes: str) -> None:
    maps = {"Contacts": {"title": "title or 'x'"}}
    config = settings(crm, tmp_path, identify_by="ledger", deletes=deletes, stream_maps=maps)
    contacts = pipe("Contacts", [{**each, "title": "y"} for each in CONTACTS])
    assert run(config, contacts).exit == ""
    result = run(config, [contacts[0], *told("2")])
    assert result.exit == ""
    assert names(crm) == ({"Nova"} if deletes == "apply" else {"Nova", "Novak"})
    assert "deleted_records →" not in result.log


KEEPS_ONE = {"Contacts": {"id": "id", "title": "title", "__else__": None}}
FILTERS = {"Contacts": {"__filter__": "title == 'y'"}}
FAILS_ON_NULL = {"Contacts": {"__filter__": "len(title) > 0", "title": "title.upper()", "lastname": "md5(lastname)"}}


@pytest.mark.parametrize("deletes", ["apply", "ignore"])
@pytest.mark.parametrize("maps", [KEEPS_ONE, FILTERS, FAILS_ON_NULL, {"Contacts": {"title": "title or 'x'"}}], ids=str)
@pytest.mark.parametrize("blank", [{"title": None, "lastname": None}, {}, None], ids=["nulls", "bare", "apart"])
def test_stream_maps_leave_a_deletion_a_deletion(
    crm: VtigerSimulator, tmp_path: Path, deletes: str, maps: dict[str, Any], blank: dict[str, Any] | None
) -> None:
    config = settings(crm, tmp_path, identify_by="ledger", deletes=deletes)
    contacts = pipe("Contacts", [{**each, "title": "y"} for each in CONTACTS])
    assert run(config, contacts).exit == ""
    crm.calls.clear()
    marked = record("Contacts", **(blank or {}), id="2", _sdc_deleted_at="2026-01-01T00:00:00Z")
    gone = told("2") if blank is None else [marked]
    assert run({**config, "stream_maps": maps}, [contacts[0], *gone]).exit == ""
    assert [name for name, _element in writes(crm)] == (["delete"] if deletes == "apply" else [])


def test_what_becomes_of_the_mark_may_be_said_and_a_filter_judges_a_whole_record(
    crm: VtigerSimulator, tmp_path: Path
) -> None:
    config = settings(crm, tmp_path, identify_by="ledger", deletes="apply")
    contacts = pipe("Contacts", [{**each, "title": "y"} for each in CONTACTS])
    assert run(config, contacts).exit == ""
    gone = [record("Contacts", id="2", title="z", lastname="Novak", _sdc_deleted_at="2026-01-01T00:00:00Z")]
    assert run({**config, "stream_maps": FILTERS}, [contacts[0], *gone]).exit == ""
    assert run({**config, "stream_maps": {"Contacts": {"_sdc_deleted_at": None}}}, [contacts[0], *gone]).exit == ""
    assert (names(crm), len(stored(crm, "Contacts", title="z"))) == ({"Nova", "Novak"}, 1)


@pytest.mark.parametrize("at", [None, float("nan"), ""], ids=str)
def test_a_record_that_is_told_to_be_back_stays_as_it_is(crm: VtigerSimulator, tmp_path: Path, at: Any) -> None:
    config = settings(crm, tmp_path, identify_by="ledger", deletes="apply")
    contacts = pipe("Contacts", CONTACTS)
    assert run(config, contacts).exit == ""
    crm.calls.clear()
    assert run(config, [contacts[0], *told("2", at)]).exit == ""
    assert (names(crm), writes(crm)) == ({"Nova", "Novak"}, [])


def test_a_deletion_of_a_stream_that_has_not_come_is_rejected(crm: VtigerSimulator, tmp_path: Path) -> None:
    more = {"max_rejects": 1, "rejects_path": str(tmp_path / "rejects.jsonl")}
    result = run(settings(crm, tmp_path, identify_by="ledger", deletes="apply", **more), told("2"))
    assert result.exit == ""
    assert "the stream of Contacts has not come" in result.log
    assert writes(crm) == []
    assert '"deleted_records"' in (tmp_path / "rejects.jsonl").read_text("utf-8")


@pytest.mark.parametrize("lacks", ["entity", "id"])
@pytest.mark.parametrize("is_there", [True, False], ids=["null", "absent"])
def test_a_deletion_that_names_no_record_is_rejected(
    crm: VtigerSimulator, tmp_path: Path, lacks: str, is_there: bool
) -> None:
    more = {"max_rejects": 1, "rejects_path": str(tmp_path / "rejects.jsonl")}
    *before, message = [*pipe("Contacts", CONTACTS[:1]), *told("1")]
    del message["record"][lacks]
    message["record"].update({lacks: None} if is_there else {})
    result = run(settings(crm, tmp_path, identify_by="ledger", deletes="apply", **more), [*before, message])
    assert result.exit == ""
    assert f"its {lacks} is empty, so it does not say which record is gone" in result.log
    assert names(crm) == {"Nova"}


def test_all_that_a_tap_says_can_be_piped(crm: VtigerSimulator, tmp_path: Path) -> None:
    said = run_tap({**crm.config(), "entities": ["Leads"]})
    assert "\\ufffd" in said.output
    result = run(settings(crm, tmp_path, identify_by="id"), said.output.splitlines())
    assert result.exit == ""
    assert writes(crm) == [], "not even U+0000, which came as U+FFFD, is written over"


@pytest.mark.parametrize("stream", ["fields", "Leads", "meltano_test_stream"])
def test_what_is_not_written_may_hold_anything(crm: VtigerSimulator, tmp_path: Path, stream: str) -> None:
    typed = {name: {"type": "string", "format": "date-time"} for name in ("entity", "field", "kind")}
    described = {**schema(stream, (), ("entity", "field")), "schema": {"properties": typed}}
    odd: list[dict[str, Any]] = [{"entity": 1}, {}, {"kind": "yesterday", "field": [1.5], "entity": None}]
    said = [described, *(record(stream, **each) for each in odd), {"type": "STATE", "value": {"all": "read"}}]
    result = run(settings(crm, tmp_path, identify_by="ledger", streams={"Leads": None}), said)
    assert (result.exit, result.states, writes(crm)) == ("", [{"all": "read"}], [])


def test_a_strangers_stream_of_that_name_is_written(crm: VtigerSimulator, tmp_path: Path) -> None:
    streams = {"fields": {"entity": "Accounts", "fields": {"name": "accountname"}}}
    result = run(
        settings(crm, tmp_path, identify_by="ledger", streams=streams), pipe("fields", [{"id": "1", "name": "Meadow"}])
    )
    assert result.exit == ""
    assert stored(crm, "Accounts", accountname="Meadow")
