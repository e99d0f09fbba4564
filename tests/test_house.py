"""The rules of the house that no linter knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crm_simulators import SIMULATORS
from crm_systems import SYSTEMS
from tools.generate import GENERATED, ROOT

if TYPE_CHECKING:
    from pathlib import Path

CONNECTORS = sorted([*ROOT.glob("tap_crm/**/*.py"), *ROOT.glob("target_crm/**/*.py")])
NAMES = {system.name for system in SYSTEMS} | {system.title for system in SYSTEMS}


@pytest.mark.parametrize("path", CONNECTORS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_connector_names_no_crm(path: Path) -> None:
    code = path.read_text("utf-8").lower()
    assert [name for name in NAMES if name.lower() in code] == []


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_generated_parts_are_up_to_date(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert GENERATED[name](text) == text, "run `make generate`"


def test_every_system_has_a_simulator_and_a_page() -> None:
    assert {system.name for system in SYSTEMS} == set(SIMULATORS)
    assert [system.name for system in SYSTEMS if not (ROOT / f"docs/systems/{system.name}.md").is_file()] == []
