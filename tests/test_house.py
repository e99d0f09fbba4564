"""The rules of the house: those that no linter knows, and those of the linter seen from outside."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
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
    "the CRMs know nothing of Singer": ("crm_systems/rows.py", "import singer_sdk"),
    "the connectors do not know each other": ("tap_crm/state/zones.py", "import target_crm.ledger"),
    "what the connectors share knows neither": ("crm_singer/configuration.py", "import tap_crm.options"),
    "no room of a CRM knows another": ("crm_systems/egito/whole.py", "import crm_systems.intouch"),
    "the registry alone opens the doors of the rooms": ("crm_systems/catalogue.py", "import crm_systems.egito"),
    "nobody looks behind a door": ("crm_systems/catalogue.py", "import crm_systems.egito.login"),
    "the rooms that all share have a door each": ("crm_systems/catalogue.py", "import crm_systems.client.patience"),
    "the rooms of the tap have a door each": ("tap_crm/run.py", "import tap_crm.state.overlap"),
    "the rooms of the target have a door each": (
        "target_crm/outcome.py",
        "import target_crm.ledger.tables",
    ),
    "no circles": ("crm_systems/model/shards.py", "import crm_systems.kinds"),
    "the connectors run without the simulators and the proof": ("target_crm/outcome.py", "import crm_simulators.base"),
    "only the client sends anything": ("crm_systems/paging.py", "import requests"),
}
"""For each contract, a file and the line in it that would break it."""
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
    contracts = (ROOT / "pyproject.toml").read_text("utf-8")
    assert {contracts.count(f'"crm_systems.{crm}') for crm in house.CRMS} == {4}


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


def test_a_room_is_entered_by_its_door_only(graph: grimp.ImportGraph) -> None:
    rooms = {each for each in graph.modules if each.count(".") == 1 and graph.find_children(each)}
    behind = [
        (here, there)
        for here, there in imports(graph)
        if (room := there.rpartition(".")[0]) in rooms and not f"{here}.".startswith(f"{room}.")
    ]
    assert behind == []


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


@pytest.fixture(scope="module")
def house_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages and their contracts, where one may break them."""
    folder = tmp_path_factory.mktemp("house")
    for package in house.PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "*.json"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_breach_of_a_contract_is_seen(house_copy: Path, contract: str) -> None:
    name, line = BREACHES[contract]
    path = house_copy / name
    sound = path.read_text("utf-8")
    assert f"{contract} KEPT" in said_of(house_copy)
    path.write_text(f"{sound}\n{line}\n", "utf-8")
    said = said_of(house_copy)
    path.write_text(sound, "utf-8")
    assert f"{contract} BROKEN" in said


def said_of(folder: Path) -> str:
    """What the linter says of the packages in a folder."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    return done.stdout
