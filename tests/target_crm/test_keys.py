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
