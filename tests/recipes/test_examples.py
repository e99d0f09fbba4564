"""The files in ``examples/`` go together as their pages print it."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from tests.contract.subjects import SUBJECTS, records
from tests.recipes.reader import DOCS, follow

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.base import Simulator

EXAMPLES = DOCS.parent / "examples"


def lay(folder: Path, example: str, **crms: Simulator) -> None:
    """The files of an example, and a log-in for each system."""
    for path in (EXAMPLES / example).glob("*.json"):
        shutil.copy(path, folder)
    for name, crm in crms.items():
        (folder / f"{name}-login.json").write_text(json.dumps(SUBJECTS[name].config(crm)), "utf-8")


def test_any_crm_moves_to_any_other(tmp_path: Path) -> None:
    with SUBJECTS["egito"].start(12) as origin, SUBJECTS["vtiger"].start(0) as goal:
        lay(tmp_path, "any_to_any", egito=origin, vtiger=goal)
        follow("../examples/any_to_any/README.md", tmp_path, {})
        assert len(records(goal, "Accounts")) == len(records(origin, "Account"))


def test_two_crms_become_alike(tmp_path: Path) -> None:
    with SUBJECTS["vtiger"].start(6) as one, SUBJECTS["alfacrm"].start(0) as other:
        lay(tmp_path, "two_ways", vtiger=one, alfacrm=other)
        follow("../examples/two_ways/README.md", tmp_path, {})
        names = {each["lastname"] for each in records(one, "Contacts")}
        assert {each["name"] for each in records(other, "customer")} == names
        # Once more, with the states that are there now.
        follow("../examples/two_ways/README.md", tmp_path, {}, texts={"$ echo '{}' | tee": "$ : a.state.json > x #"})
        assert len(records(other, "customer")) == len(names)
