"""What the tests of Egito share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_simulators.egito import EgitoSimulator, Switches
from tests.running import client_for, run
from tests.target_crm import writing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from crm_systems.client import Client
    from crm_systems.model import Entity
    from tests.running import Run

TYPES = ("Lead", "Account", "Contact", "Opportunity")
ALL_DICTIONARIES = [
    "industry",
    "lead.source",
    "relationshipType",
    "sex",
    "lead.status",
    "opportunity.stage",
    "currency",
]
DATA = "/services/restapi/json/"


def tenant(rows: int = 40, **switches: Any) -> EgitoSimulator:
    """A tenant with some reading of the documentation."""
    return EgitoSimulator(rows=rows, switches=Switches(**switches))


def settings(simulator: EgitoSimulator, **more: Any) -> dict[str, Any]:
    """Settings with all dictionaries."""
    return {**simulator.config(), "dictionaries": ALL_DICTIONARIES, **more}


def read(simulator: EgitoSimulator, *entities: str, state: Any = None, **more: Any) -> Run:
    """Runs the tap for some entities, or for all."""
    return run(settings(simulator, entities=list(entities), **more), state=state)


def write(
    simulator: EgitoSimulator, folder: Path, entity: str, *records: Mapping[str, Any], **more: Any
) -> writing.Run:
    """Runs the target for records with the key ``key``."""
    fields = dict.fromkeys(["key", *(name for each in records for name in each)])
    numbered = ({"key": f"k{number}", **each} for number, each in enumerate(records))
    messages = [writing.schema(entity, fields, ["key"]), *(writing.record(entity, **each) for each in numbered)]
    ledger = f"sqlite:///{folder}/ledger.sqlite"
    return writing.run({**settings(simulator, ledger_url=ledger, identify_by="ledger"), **more}, messages)


def written(simulator: EgitoSimulator) -> list[str]:
    """The operations that change something, such as ``Lead/create``."""
    paths = (call.path.removeprefix(DATA) for call in simulator.calls)
    return [path for path in paths if path.endswith(("/create", "/update", "/delete"))]


def client(simulator: EgitoSimulator, **more: Any) -> Client:
    """A connection without a connector."""
    return client_for(settings(simulator, **more))


def entity(opened: Client, name: str) -> Entity:
    """What the system says of a type."""
    return opened.system.describe(opened.call, name)


def entry(simulator: EgitoSimulator, dictionary: str, name: str) -> Any:
    """The id of a dictionary's row."""
    rows = simulator.records("SelectDictionary")
    return next(row["id"] for row in rows if (row["type"], row["name"]) == (dictionary, name))
