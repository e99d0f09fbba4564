"""alfaCRM: references to records of several entities, which have the same numbers, and what tells them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.crm_systems.alfacrm.shown import SUB_LISTS, settings, stored, tenant, writes
from tests.target_crm.writing import record, run, schema

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE = [{"id": 7, "name": "Анна", "is_study": True}]
GROUPS = [{"id": 7, "name": "Группа Б", "branch_ids": ["Филиал 2"]}]
TASKS = [{"id": 7, "title": "Позвонить"}]
COMMENTS = [
    {"id": at, "class": name, "related_id": 7, "comment": name} for at, name in enumerate(("Group", "Task", "Lead"))
]
REGULAR = [
    {"id": at, "related_class": name, "related_id": 7, "day": 3, "time_from_v": "11:00", "b_date_v": "2027-09-01"}
    for at, name in enumerate(("Customer", "Group"))
]
STREAMS = {"customer": PEOPLE, "group": GROUPS, "task": TASKS, "communication": COMMENTS, "regular_lesson": REGULAR}


@pytest.mark.parametrize("late", [False, True])
def test_a_class_tells_which_of_the_records_of_one_number_is_meant(tmp_path: Path, late: bool) -> None:
    with tenant(10) as simulator:
        GROUPS[0]["branch_ids"] = [stored(simulator, "branch")[1]["name"]]
        config = settings(simulator, branches=None, sub_lists=SUB_LISTS, identify_by="ledger")
        config["ledger_url"] = f"sqlite:///{tmp_path}/ledger.sqlite"
        names = list(reversed(STREAMS)) if late else list(STREAMS)
        before = {name: {row["id"] for row in stored(simulator, name)} for name in names}
        messages = [
            each
            for name in names
            for each in (schema(name, STREAMS[name][0], ["id"]), *(record(name, **row) for row in STREAMS[name]))
        ]
        assert run(config, messages).exit == ""
        made: dict[str, list[dict[str, Any]]] = {
            name: [row for row in stored(simulator, name) if row["id"] not in before[name]] for name in names
        }
        there = {name: made[name][0]["id"] for name in ("customer", "group", "task")}
        points_to = {"Customer": "customer", "Lead": "customer", "Group": "group", "Task": "task"}
        kinds = [str(row.get("class") or row["related_class"]) for row in COMMENTS + REGULAR]
        told = [
            (str(row.get("class") or row["related_class"]), row["related_id"])
            for row in made["communication"] + made["regular_lesson"]
        ]
        assert sorted(told) == sorted((kind, there[points_to[kind]]) for kind in kinds)
        # A comment is made in the branch of what it is about.
        assert [path for path, body in writes(simulator) if body.get("class") == "Group"] == ["2/communication/create"]
        assert run(config, messages).line("communication").endswith("3 unchanged")


def test_a_sub_list_that_nobody_asked_for_is_told_to_be_one(tmp_path: Path) -> None:
    with tenant(5) as simulator:
        config = settings(simulator, identify_by="ledger", ledger_url=f"sqlite:///{tmp_path}/ledger.sqlite")
        said = run(config, [schema("communication", COMMENTS[0], ["id"])]).exit
    assert "The CRM shows no entity communication to this user" in said
    assert "`sub_lists` names further ones" in said
