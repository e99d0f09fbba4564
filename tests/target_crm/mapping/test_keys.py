"""One spelling for each key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_crm.mapping.keys import key_of
from tests.target_crm.writing import pipe, run, settings, stored

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator


def test_each_field_of_a_key_counts() -> None:
    keys = [key_of(values, [{}, {}]) for values in (["a", "b"], ["a", "c"], ["b", "a"], ["a", None], ["a", ""])]
    assert len(set(keys)) == len(keys)
    assert key_of([None, ""], [{}, {}]) == ""


def test_records_that_share_the_first_field_of_their_key_are_two(crm: VtigerSimulator, tmp_path: Path) -> None:
    people = [{"firm": "a", "person": number, "lastname": "Same", "title": f"T{number}"} for number in (1, 2)]
    config = settings(crm, tmp_path, identify_by="ledger", unknown_fields="drop")
    for line in ("2 create", "2 unchanged"):
        assert line in run(config, pipe("Contacts", people, keys=("firm", "person"))).line("Contacts")
    assert sorted(each["title"] for each in stored(crm, "Contacts", lastname="Same")) == ["T1", "T2"]


def test_a_key_that_no_database_holds_as_it_is_stays_one_and_is_referred_to(
    crm: VtigerSimulator, tmp_path: Path
) -> None:
    names = ["k" * 5000, "k" * 4999, "a\0b", "a\0c"]
    keys = [key_of([name], [{"type": "string"}]) for name in names]
    assert len(set(keys)) == len(names)
    assert all(len(key) <= 512 and "\0" not in key for key in keys)
    people = [{"id": name, "lastname": f"L{n}", "contact_id": names[n - 1]} for n, name in enumerate(names)]
    config = settings(crm, tmp_path, identify_by="ledger")
    for line in ("4 create", "4 unchanged"):
        assert run(config, pipe("Contacts", people)).line("Contacts") == f"Contacts → Contacts: {line}"
    there = {each["lastname"]: each for each in crm.store.records("Contacts") if each["lastname"] in {"L0", "L1"}}
    assert there["L1"]["contact_id"] == there["L0"]["id"]
