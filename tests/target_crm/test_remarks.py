"""What is written otherwise than somebody may think is said, once, and every fault of a record is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.target_crm.writing import one, pipe, run, settings, stored, writes

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator


def test_values_that_a_pick_list_does_not_have_are_said_once_a_field(crm: VtigerSimulator, tmp_path: Path) -> None:
    people = [
        {
            "id": n,
            "lastname": f"P{n}",
            "leadsource": f"Unheard {n}",
            "salutationtype": "Mr.",
            "cf_877": ["alpha", "Sicret"],
        }
        for n in range(3)
    ]
    result = run(settings(crm, tmp_path, identify_by="ledger"), pipe("Contacts", people))
    assert (result.log.count("leadsource comes with values"), result.log.count("cf_877 comes with values")) == (1, 1)
    assert "salutationtype comes" not in result.log
    assert "Sicret" not in result.everything
    assert len(stored(crm, "Contacts", leadsource="Unheard 1")) == 1


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_document_that_leaves_its_file_behind_is_said(crm: VtigerSimulator, tmp_path: Path, *, dry_run: bool) -> None:
    papers = [{"id": n, "notes_title": f"Paper {n}", "filelocationtype": kind} for n, kind in enumerate("IIE")]
    result = run(settings(crm, tmp_path, identify_by="ledger", dry_run=dry_run), pipe("Documents", papers))
    assert result.exit == ""
    assert result.log.count("are written without their file") == 1


def test_all_faults_of_a_record_are_named(crm: VtigerSimulator, tmp_path: Path) -> None:
    person = {"id": 1, "lastname": "", "birthday": "31/12/2024", "cf_857": "1.5", "cf_881": "garbage"}
    result = run(settings(crm, tmp_path, identify_by="ledger"), pipe("Contacts", [person]))
    for fault in ("its birthday is no date", "its cf_857 is no integer", "its cf_881 is no time", "it has no lastname"):
        assert fault in result.exit
    assert writes(crm) == []


def test_an_owner_that_is_missing_names_the_way_out(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, identify_by=["email"])
    people = pipe("Contacts", [{"id": 1, "lastname": "A", "email": "a@example.com"}], owner=None)
    assert (
        "Contacts needs assigned_user_id, which the stream does not deliver: set `default_owner`"
        in run(config, people).exit
    )
    assert run({**config, "default_owner": "admin"}, people).exit == ""


def test_that_somebody_takes_the_place_of_owners_who_are_not_known_is_said_once(
    crm: VtigerSimulator, tmp_path: Path
) -> None:
    owners = ["nobody", "19x999", "admin", "", "Anna"]
    people = [{"id": n, "lastname": "P", "assigned_user_id": owner} for n, owner in enumerate(owners)]
    config = settings(crm, tmp_path, identify_by="ledger", default_owner="limited", owners={"Anna": "euro"})
    result = run(config, pipe("Contacts", people))
    assert result.log.count("assigned_user_id names people whom this CRM does not know; `default_owner`") == 1
    known = run({**config, "source": "b"}, pipe("Contacts", people[2:]))
    assert "whom this CRM does not know" not in known.log
    assert "nobody" not in result.log


TIMES = {
    "date_start": "2026-01-02",
    "time_start": "10:00:00",
    "due_date": "2026-01-02",
    "time_end": "11:00:00",
    "taskstatus": "Planned",
    "eventstatus": "Planned",
    "from_email": "a@b.cz",
    "saved_toid": "c@b.cz",
}


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("module", "activity", "hint"),
    [
        ("Calendar", "Call", "send meetings and calls to Events"),
        ("Events", "Task", "send tasks to Calendar"),
        ("Emails", "Call", "leave `activitytype` out"),
    ],
)
def test_an_activity_that_its_module_would_not_show_is_rejected(
    crm: VtigerSimulator, tmp_path: Path, module: str, activity: str, hint: str, *, dry_run: bool
) -> None:
    lasts = {"duration_hours": 1} if module == "Events" else {}
    record = {"id": 1, "subject": "Ring", "activitytype": activity, **TIMES, **lasts}
    config = settings(crm, tmp_path, identify_by="ledger", dry_run=dry_run, unknown_fields="drop")
    result = run(config, pipe(module, [record]))
    assert "1 reject" in result.line(module)
    assert hint in result.everything
    assert writes(crm) == []


def test_an_e_mail_says_that_it_is_one_and_is_found_again(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, identify_by="ledger", unknown_fields="drop")
    for subject, action in (("Hello", "1 create"), ("Hello again", "1 update")):
        result = run(config, pipe("Emails", [{"id": 1, "subject": subject, **TIMES}]))
        assert (result.exit, action in result.line("Emails")) == ("", True)
    assert one(crm, "Emails", subject="Hello again")["activitytype"] == "Emails"
