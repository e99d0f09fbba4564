"""The rules of the house: those that no linter knows, and those of the linter seen from outside."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from copy import deepcopy
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING

import grimp
import pytest

from crm_simulators import SIMULATORS
from crm_systems import SYSTEMS
from tools import house
from tools.generate import GENERATED, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECTORS = sorted([*ROOT.glob("crm_singer/*.py"), *ROOT.glob("tap_crm/**/*.py"), *ROOT.glob("target_crm/**/*.py")])
PRODUCT = ("crm_systems", "crm_singer", "tap_crm", "target_crm")
NAMES = {system.name for system in SYSTEMS} | {system.title for system in SYSTEMS}
MOST_AT_THE_DOOR = 16
LONGEST, USUAL = 60, 25
"""Lines of the longest function, and of nine in ten."""
LONGEST_FILE = 300
BREACHES = {
    "the CRMs know nothing of Singer": ("crm_systems.rows", "singer_sdk"),
    "the connectors do not know each other": ("tap_crm.state.zones", "target_crm.ledger"),
    "what the connectors share knows neither": ("crm_singer.configuration", "tap_crm.options"),
    "no circles": ("crm_systems.model.shards", "crm_systems.kinds"),
    "the connectors run without the simulators and the proof": ("target_crm.outcome", "crm_simulators.base"),
    "only the client sends anything": ("crm_systems.paging", "requests"),
}
"""For each contract, a module and the import in it that would break it."""
PAST_A_DOOR = [
    ("crm_systems.egito.whole", "crm_systems.intouch"),
    ("crm_systems.catalogue", "crm_systems.egito"),
    ("crm_systems.catalogue", "crm_systems.egito.login"),
    ("crm_systems.catalogue", "crm_systems.client.patience"),
    ("tap_crm.run", "tap_crm.state.overlap"),
    ("target_crm.outcome", "target_crm.ledger.tables"),
    ("target_crm.sinks.records", "target_crm.writing.creation"),
]
"""Imports that nobody may make."""
CONTRACTS = [
    each.partition('"')[0]
    for each in (ROOT / "pyproject.toml").read_text("utf-8").split('[[tool.importlinter.contracts]]\nname = "')[1:]
]


@pytest.mark.parametrize("path", CONNECTORS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_connector_names_no_crm(path: Path) -> None:
    code = path.read_text("utf-8").lower()
    assert [name for name in NAMES if name.lower() in code] == []


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_generated_parts_are_up_to_date(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert GENERATED[name](text) == text, "run `make generate`"


def test_every_system_has_a_simulator_a_page_and_the_contracts() -> None:
    assert {system.name for system in SYSTEMS} == set(SIMULATORS)
    assert [system.name for system in SYSTEMS if not (ROOT / f"docs/systems/{system.name}.md").is_file()] == []


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Every import of one module by another, those for types included."""
    return grimp.build_graph(*house.PACKAGES, cache_dir=None)


def imports(graph: grimp.ImportGraph) -> Iterator[tuple[str, str]]:
    return ((here, there) for here in graph.modules for there in graph.find_modules_directly_imported_by(here))


def test_the_same_things_have_the_same_names_in_every_room() -> None:
    for crm in house.CRMS:
        found = {path.stem for path in (ROOT / "crm_systems" / crm).glob("*.py")}
        assert found >= {"answers", "lists", "look_up", "settings", "system", "writing"}, crm


def test_the_words_of_the_schemas_are_explained_and_used() -> None:
    used = {word for path in ROOT.glob("schemas/*/*.json") for word in json.loads(path.read_bytes()).get("private", ())}
    explained = re.findall(r"^\|[^|]*\| `(\w+)` \|", (ROOT / "schemas/README.md").read_text("utf-8"), re.MULTILINE)
    assert used == set(explained)


def test_no_imports_go_round_in_a_circle(graph: grimp.ImportGraph) -> None:
    order: TopologicalSorter[str] = TopologicalSorter()
    for here, there in imports(graph):
        order.add(here, there)
    order.prepare()


def past_a_door(graph: grimp.ImportGraph) -> list[tuple[str, str]]:
    """Imports of what a room does not hand out, and those of a CRM's room by another than the registry."""
    crms = [f"crm_systems.{crm}" for crm in house.CRMS]
    return [
        (here, there)
        for here, there in imports(graph)
        if ("." in (room := there.rpartition(".")[0]) and not is_in(here, room))
        or any(is_in(there, crm) and here != "crm_systems" and not is_in(here, crm) for crm in crms)
    ]


def is_in(module: str, room: str) -> bool:
    return f"{module}.".startswith(f"{room}.")


def test_a_room_is_entered_by_its_door_and_that_of_a_crm_by_the_registry(graph: grimp.ImportGraph) -> None:
    assert past_a_door(graph) == []
    planted = deepcopy(graph)
    for here, there in PAST_A_DOOR:
        planted.add_import(importer=here, imported=there)
    assert sorted(past_a_door(planted)) == sorted(PAST_A_DOOR)


def test_imports_lead_downwards_in_the_plan() -> None:
    floors = {room: number for number, floor in enumerate(house.FLOORS) for room in floor}
    assert [arrow for arrow in house.plan()[1] if floors[arrow[0]] >= floors[arrow[1]]] == []


@pytest.mark.parametrize("package", PRODUCT)
def test_few_files_stand_at_the_door_and_none_is_a_crms(package: str) -> None:
    at_the_door = [path.stem for path in ROOT.glob(f"{package}/*.py")]
    assert len(at_the_door) <= MOST_AT_THE_DOOR
    assert [name for name in at_the_door for crm in {*house.CRMS, *SIMULATORS} if crm in name] == []


def test_files_are_short() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
        for package in PRODUCT
        for path in ROOT.glob(f"{package}/**/*.py")
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_functions_are_short() -> None:
    lengths = [
        (node.end_lineno or 0) - node.lineno + 1
        for package in PRODUCT
        for path in ROOT.glob(f"{package}/**/*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    assert max(lengths) <= LONGEST
    assert quantiles(lengths, n=10)[-1] <= USUAL


def test_a_breach_of_each_contract_is_seen(tmp_path: Path) -> None:
    for package in house.PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "*.json"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    assert " 0 broken." in said_of(tmp_path)
    for here, there in BREACHES.values():
        with (tmp_path / f"{here.replace('.', '/')}.py").open("a", encoding="utf-8") as file:
            file.write(f"\nimport {there}\n")
    _, *told = re.split(r"\n(.+)\n-{5,}\n", said_of(tmp_path).partition("Broken contracts")[2])
    blamed = dict(zip(told[::2], told[1::2], strict=True))
    assert blamed.keys() == BREACHES.keys() == set(CONTRACTS)
    # A circle is told by the rooms that it leads through.
    unseen = [each for each, (_, there) in BREACHES.items() if f"{there.rpartition('.')[2]} (" not in blamed[each]]
    assert unseen == []


def said_of(folder: Path) -> str:
    """What the linter says of the packages in a folder."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    return done.stdout
