"""Create, update, delete, skip: by id, by ledger, by match fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.target_crm.writing import held, one, pipe, run, settings, state, stored, writes

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator

ANN = {"id": "1", "lastname": "Novák", "email": "ann@example.com", "title": "CEO"}
BOB = {"id": "2", "lastname": "Müller", "email": "bob@example.com", "title": "CTO"}
BY: list[Any] = ["ledger", ["email"]]


@pytest.mark.parametrize("by", BY, ids=str)
def test_creates_then_updates_what_changed_and_sends_nothing_when_nothing_did(
    crm: VtigerSimulator, tmp_path: Path, by: Any
) -> None:
    config = settings(crm, tmp_path, identify_by=by)
    first = run(config, pipe("Contacts", [ANN, BOB]))
    assert first.line("Contacts") == "Contacts → Contacts: 2 create"
    assert one(crm, "Contacts", lastname="Müller", title="CTO")["email"] == "bob@example.com"

    crm.calls.clear()
    second = run(config, pipe("Contacts", [ANN, {**BOB, "title": "Chair"}]))
    assert second.line("Contacts") == "Contacts → Contacts: 1 update, 1 unchanged"
    crm_id = one(crm, "Contacts", email="bob@example.com")["id"]
    assert writes(crm) == [("revise", {"id": crm_id, "title": "Chair"})]

    crm.calls.clear()
    run(config, pipe("Contacts", [ANN, {**BOB, "title": "Chair"}]))
    assert writes(crm) == []


def test_by_id_updates_and_never_creates(crm: VtigerSimulator, tmp_path: Path) -> None:
    crm_id = crm.store.records("Contacts")[0]["id"]
    config = settings(crm, tmp_path, identify_by="id", max_rejects=1, rejects_path=str(tmp_path / "rejects"))
    records = [{"id": crm_id, "title": "New"}, {"id": "12x99999", "title": "Nobody"}]
    for sent in ([("revise", {"id": crm_id, "title": "New"})], []):
        crm.calls.clear()
        result = run(config, pipe("Contacts", records, owner=None))
        assert "the record 12x99999 is rejected: the CRM shows this user no record with this id" in result.log
        assert writes(crm) == sent
    assert held(crm, crm_id)["title"] == "New"


def test_a_match_adopts_what_is_there_without_a_write(crm: VtigerSimulator, tmp_path: Path) -> None:
    crm_id = crm.store.insert("Contacts", {"lastname": "Novák", "email": "ANN@example.com", "title": "CEO"})
    result = run(
        settings(crm, tmp_path, identify_by=["email"]), pipe("Contacts", [{**ANN, "email": "ANN@example.com"}])
    )
    assert result.line("Contacts") == "Contacts → Contacts: 1 unchanged"
    assert writes(crm) == []
    crm.calls.clear()
    run(settings(crm, tmp_path, identify_by="ledger"), pipe("Contacts", [{**ANN, "title": "Chair"}]))
    assert [element["id"] for _operation, element in writes(crm)] == [crm_id], "what was matched stands in the ledger"


@pytest.mark.parametrize(
    ("there", "incoming"),
    [("Muller", "Müller"), ("MÜLLER", "Müller"), ("Müller ", "Müller"), ("Muller", "Mu\u0308ller")],
)
def test_a_match_is_exact_where_the_server_is_not(
    crm: VtigerSimulator, tmp_path: Path, there: str, incoming: str
) -> None:
    crm.store.insert("Contacts", {"lastname": there, "email": "stranger@example.com"})
    run(settings(crm, tmp_path, identify_by=["lastname"]), pipe("Contacts", [{"id": "1", "lastname": incoming}]))
    assert one(crm, "Contacts", lastname=there)["email"] == "stranger@example.com"
    assert [element["lastname"] for operation, element in writes(crm) if operation == "create"] == [incoming]


def test_an_email_matches_in_any_case_and_a_composed_letter_its_parts(crm: VtigerSimulator, tmp_path: Path) -> None:
    crm.store.insert("Contacts", {"lastname": "Müller", "email": "BOB@example.com"})
    config = settings(crm, tmp_path, identify_by=["lastname", "email"])
    run(config, pipe("Contacts", [{**BOB, "lastname": "Mu\u0308ller"}]))
    assert [operation for operation, _element in writes(crm)] == ["revise"]


@pytest.mark.parametrize(
    ("mode", "ann", "created"), [("update_only", "CTO", 0), ("create_only", "CEO", 1), ("upsert", "CTO", 1)]
)
def test_write_modes(crm: VtigerSimulator, tmp_path: Path, mode: str, ann: str, created: int) -> None:
    crm.store.insert("Contacts", {"lastname": "Novák", "email": "ann@example.com", "title": "CEO"})
    config = settings(crm, tmp_path, identify_by=["email"], write_mode=mode)
    result = run(config, pipe("Contacts", [{**ANN, "title": "CTO"}, BOB]))
    assert one(crm, "Contacts", email="ann@example.com")["title"] == ann
    assert len(stored(crm, "Contacts", email="bob@example.com")) == created
    assert ("1 skip" in result.line("Contacts")) == (mode != "upsert")


@pytest.mark.parametrize("deletes", ["ignore", "apply"])
def test_deletes(crm: VtigerSimulator, tmp_path: Path, deletes: str) -> None:
    config = settings(crm, tmp_path, identify_by="ledger", deletes=deletes)
    run(config, pipe("Contacts", [ANN, BOB]))
    crm_id = one(crm, "Contacts", email="ann@example.com")["id"]
    marked = [{"id": key, "_sdc_deleted_at": "2026-01-01T00:00:00Z"} for key in ("1", "9")]
    gone = [*pipe("Contacts", [ANN])[:1], *pipe("Contacts", marked, owner=None)[1:]]
    first, second = run(config, gone), run(config, gone)
    assert held(crm, crm_id)["deleted"] == (deletes == "apply")
    assert first.line("Contacts").endswith("1 delete, 1 skip" if deletes == "apply" else "2 skip")
    assert second.line("Contacts").endswith("2 skip")
    run(config, pipe("Contacts", [ANN]))
    assert len(stored(crm, "Contacts", email="ann@example.com")) == 1, "what comes again is created again"


def test_what_only_has_the_match_values_of_one_that_is_gone_is_not_deleted_and_that_is_said(
    crm: VtigerSimulator, tmp_path: Path
) -> None:
    run(settings(crm, tmp_path, identify_by=["email"]), pipe("Contacts", [ANN]))
    anew = settings(
        crm, tmp_path, identify_by=["email"], deletes="apply", ledger_url=f"sqlite:///{tmp_path}/anew.sqlite"
    )
    result = run(anew, pipe("Contacts", [{**ANN, "_sdc_deleted_at": "2026-01-01T00:00:00Z"}]))
    assert result.line("Contacts").endswith("1 skip")
    assert "stays where the ledger does not know what it became" in result.log
    assert len(stored(crm, "Contacts", email="ann@example.com")) == 1


def test_the_mark_of_a_warehouse_that_writes_names_in_capitals_deletes(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, identify_by="ledger", deletes="apply")
    own = {"_SDC_DELETED_AT": None, "_SDC_BATCHED_AT": "2026-01-01T00:00:00Z"}
    assert run(config, pipe("Contacts", [{**ANN, **own}])).line("Contacts").endswith("1 create")
    gone = {**ANN, **own, "_SDC_DELETED_AT": "2026-01-01T00:00:00Z"}
    assert run(config, pipe("Contacts", [gone])).line("Contacts").endswith("1 delete")


@pytest.mark.parametrize("source", ["default", "another"])
@pytest.mark.parametrize("by", [["email"], ["ledger", "email"]], ids=str)
def test_what_another_record_became_as_well_outlives_the_one_that_is_deleted(
    crm: VtigerSimulator, tmp_path: Path, by: Any, source: str
) -> None:
    config = settings(crm, tmp_path, identify_by=by, deletes="apply")
    gone = {**ANN, "_sdc_deleted_at": "2026-01-01T00:00:00Z"}
    run(config, pipe("Contacts", [ANN]))
    again = {**config, "source": source}
    run(again, pipe("Contacts", [{**ANN, "id": "9", "title": "Anew"}]))
    result = run(config, pipe("Contacts", [gone]))
    assert result.line("Contacts").endswith("1 skip")
    assert "stays where another" in result.log
    assert one(crm, "Contacts", email="ann@example.com")["title"] == "Anew"
    assert run(again, pipe("Contacts", [{**gone, "id": "9"}])).line("Contacts").endswith("1 delete")
    assert stored(crm, "Contacts", email="ann@example.com") == []


@pytest.mark.parametrize("is_told_first", [True, False])
def test_a_record_that_was_made_anew_in_its_source_survives_the_end_of_the_old_one(
    crm: VtigerSimulator, tmp_path: Path, is_told_first: bool
) -> None:
    config = settings(crm, tmp_path, identify_by=["ledger", "email"], deletes="apply", parallel_requests=4)
    run(config, pipe("Contacts", [ANN]))
    crm.latency = 0.01
    told = [{"id": "1", "_sdc_deleted_at": "2026-01-01T00:00:00Z"}, {**ANN, "id": "9"}]
    for _run in range(2):
        assert run(config, pipe("Contacts", told if is_told_first else told[::-1])).exit == ""
        assert len(stored(crm, "Contacts", email="ann@example.com")) == 1


MARKS: dict[str, tuple[Any, str]] = {
    "a day": ("2026-01-01", "delete"),
    "seconds": (1767225600, "delete"),
    "NaN": (float("nan"), "unchanged"),
    "blanks": (" ", "unchanged"),
    "false": ("false", "reject"),
    "yes": (True, "reject"),
    "a digit": (1, "reject"),
    "no day": ("0000-00-00", "reject"),
    "a list": (["2026-01-01"], "reject"),
}


@pytest.mark.parametrize("case", MARKS)
@pytest.mark.parametrize("by", ["ledger", ["email"]], ids=str)
def test_nothing_but_a_time_marks_a_record_as_gone(crm: VtigerSimulator, tmp_path: Path, by: Any, case: str) -> None:
    mark, action = MARKS[case]
    config = settings(crm, tmp_path, identify_by=by, deletes="apply", max_rejects=1, rejects_path=str(tmp_path / "r"))
    run(config, pipe("Contacts", [ANN]))
    result = run(config, pipe("Contacts", [{**ANN, "_sdc_deleted_at": mark}]))
    assert (result.exit, result.line("Contacts")) == ("", f"Contacts → Contacts: 1 {action}")
    assert len(stored(crm, "Contacts", email="ann@example.com")) == (action != "delete")


def test_what_comes_after_a_delete_in_the_same_batch_is_done_after_it(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, identify_by=["email"], deletes="apply", parallel_requests=4)
    others = [{"id": str(number), "lastname": "x", "email": f"{number}@example.com"} for number in range(10, 30)]
    gone = {"id": "1", "_sdc_deleted_at": "2026-01-01T00:00:00Z"}
    run(config, pipe("Contacts", [ANN, *others, gone, {**ANN, "title": "Back"}]))
    assert one(crm, "Contacts", email="ann@example.com")["title"] == "Back"
    assert len(stored(crm, "Contacts", lastname="x")) == 20


def test_fields_are_mapped_and_unknown_ones_dropped(crm: VtigerSimulator, tmp_path: Path) -> None:
    people = {"entity": "Contacts", "fields": {"surname": "lastname", "note": None, "mail": "email", "fax": "phone"}}
    config = settings(crm, tmp_path, identify_by=["email"], streams={"people": people}, unknown_fields="drop")
    incoming = {"nr": 1, "surname": "Novák", "mail": "ann@example.com", "note": "n", "shoe_size": 42}
    result = run(config, pipe("people", [incoming], ["nr"]))
    assert result.line("people") == "people → Contacts: 1 create"
    assert "people: fields that Contacts does not have are left out: shoe_size" in result.log
    assert "people: fields that `streams` names and the stream does not deliver: fax" in result.log
    assert one(crm, "Contacts", lastname="Novák", email="ann@example.com")["description"] == ""


def test_what_the_crm_sets_itself_is_left_out_with_one_note(crm: VtigerSimulator, tmp_path: Path) -> None:
    odd = {"createdtime": "2020-01-01T00:00:00Z", "modifiedtime": "2020-01-01T00:00:00Z", "contact_no": "CON1"}
    result = run(settings(crm, tmp_path, identify_by="ledger"), pipe("Contacts", [{**ANN, **odd}, {**BOB, **odd}]))
    note = "Contacts: fields that the CRM sets itself are left out: contact_no, createdtime, modifiedtime"
    assert result.log.count(note) == 1
    assert not {"createdtime", "contact_no"} & set(writes(crm)[0][1])


@pytest.mark.parametrize(
    ("incoming", "expected"),
    [("admin", "19x1"), ("19x6", "19x6"), ("Anna", "19x6"), ("7", "20x5"), ("nobody", "19x8"), (None, "19x8")],
)
def test_owners(crm: VtigerSimulator, tmp_path: Path, incoming: str | None, expected: str) -> None:
    owners = {"Anna": "euro", "7": "20x5"}
    config = settings(crm, tmp_path, identify_by="ledger", owners=owners, default_owner="limited")
    run(config, pipe("Contacts", [{**ANN, "assigned_user_id": incoming}]))
    assert one(crm, "Contacts", email="ann@example.com")["assigned_user_id"] == expected


def test_the_default_owner_makes_the_field_needless(crm: VtigerSimulator, tmp_path: Path) -> None:
    run(settings(crm, tmp_path, identify_by="ledger", default_owner="euro"), pipe("Contacts", [ANN], owner=None))
    assert one(crm, "Contacts", email="ann@example.com")["assigned_user_id"] == "19x6"


def test_somebody_who_may_not_list_the_users_writes_as_himself(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = {**settings(crm, tmp_path, identify_by="ledger", default_owner="limited"), **crm.config_for("limited")}
    assert run(config, pipe("Contacts", [ANN], owner=None)).exit == ""
    assert one(crm, "Contacts", email="ann@example.com")["assigned_user_id"] == "19x8"


def test_records_without_a_key_are_recognised_by_what_they_hold(crm: VtigerSimulator, tmp_path: Path) -> None:
    for by, titles in (("ledger", ["CEO"]), (["email"], ["CEO", "CTO"])):
        config = settings(crm, tmp_path, identify_by=by, streams={"s": {"entity": "Contacts"}})
        for title in titles:
            run(config, pipe("s", [{"lastname": "Novák", "email": "ann@example.com", "title": title}] * 2, []))
        assert one(crm, "Contacts", email="ann@example.com")["title"] == titles[-1]


def test_a_null_key_names_nobody(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, identify_by="ledger", max_rejects=-1, rejects_path=str(tmp_path / "rejects"))
    result = run(config, pipe("Contacts", [{**ANN, "id": None}, {**BOB, "id": None}]))
    assert result.log.count("is rejected: its key is empty") == 2
    assert writes(crm) == []


def test_state_leaves_after_the_records_before_it(crm: VtigerSimulator, tmp_path: Path) -> None:
    contacts = pipe("Contacts", [ANN, BOB])
    result = run(settings(crm, tmp_path, identify_by="ledger"), [*contacts[:2], state(1), *contacts[2:], state(2)])
    assert result.states == [{"at": 1}, {"at": 2}]
