"""Records of a stream without a key are told apart by all that they are recognised by, exactly."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from target_crm.ledger import digest
from tests.running import database
from tests.target_crm.writing import pipe, run, settings, stored

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator

APART: dict[str, tuple[list[str], list[dict[str, Any]]]] = {
    "case": (["lastname"], [{"lastname": "ab"}, {"lastname": "AB"}]),
    "blanks": (["lastname"], [{"lastname": "ab"}, {"lastname": " ab"}]),
    "one part": (["lastname", "email"], [{"lastname": "ab", "email": f"{n}@example.com"} for n in range(2)]),
    "nothing": (["email"], [{"lastname": "ab", "email": None}, {"lastname": "cd", "email": ""}]),
    "reference": (["lastname", "account_id"], [{"lastname": "ab", "account_id": n} for n in range(2)]),
}


@pytest.mark.parametrize("case", APART)
def test_each_becomes_one_of_its_own(crm: VtigerSimulator, tmp_path: Path, case: str) -> None:
    names, coming = APART[case]
    accounts = [row["accountname"] for row in stored(crm, "Accounts")]
    coming = [
        {**each, **({"account_id": accounts[each["account_id"]]} if "account_id" in each else {})} for each in coming
    ]
    coming = [{**each, "title": f"New {n}"} for n, each in enumerate(coming)]
    config = settings(crm, tmp_path, identify_by=["ledger", *names])
    for said in ("2 create", "2 unchanged"):
        result = run(config, pipe("Contacts", coming, keys=()))
        assert (result.exit, result.line("Contacts")) == ("", f"Contacts → Contacts: {said}")
    assert all(stored(crm, "Contacts", lastname=each["lastname"], title=each["title"]) for each in coming)


def test_what_counts_as_the_same_is_one(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, identify_by=["ledger", "lastname", "email"])
    spelt = [("Nováková", "a@example.com"), ("Nova\u0301kova\u0301", " A@example.com ")]
    for name, address in spelt:
        result = run(config, pipe("Contacts", [{"lastname": name, "email": address}], keys=()))
        assert result.exit == ""
    assert (
        len(stored(crm, "Contacts", email="a@example.com")) + len(stored(crm, "Contacts", email="A@example.com")) == 1
    )


def test_none_is_deleted_in_the_place_of_another(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, identify_by=["lastname"], deletes="apply")
    assert run(config, pipe("Contacts", [{"lastname": "ab"}, {"lastname": "AB"}], keys=())).exit == ""
    gone = {"lastname": "ab", "_sdc_deleted_at": "2026-01-01T00:00:00Z"}
    assert run(config, pipe("Contacts", [gone], keys=())).line("Contacts").endswith("1 delete")
    assert [len(stored(crm, "Contacts", lastname=each)) for each in ("ab", "AB")] == [0, 1]


def test_a_ledger_of_an_earlier_version_goes_on(crm: VtigerSimulator, tmp_path: Path) -> None:
    """There, the key was the same whatever the case of a value."""
    config = settings(crm, tmp_path, identify_by=["ledger", "lastname"])
    coming = pipe("Contacts", [{"lastname": "Ab"}], keys=())
    assert run(config, coming).exit == ""
    with database(tmp_path / "ledger.sqlite") as db:
        db.execute('update written set "key" = ?', [digest(json.dumps(["ab"]))])
    for row in stored(crm, "Contacts", lastname="Ab"):
        crm.store.change(row["id"], {"lastname": "changed there"})
    assert run(config, coming).line("Contacts").endswith("1 unchanged")
