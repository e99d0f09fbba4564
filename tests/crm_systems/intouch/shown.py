"""What the tests of InTouch CRM share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_simulators.intouch import InTouchSimulator, Switches
from tests.running import client_for, run
from tests.target_crm import writing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from crm_systems.client import Client
    from crm_systems.model import Entity
    from tests.running import Run

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def installation(rows: int = 60, flavour: str = "7.1", **switches: Any) -> InTouchSimulator:
    """An installation of some version."""
    return InTouchSimulator(rows=rows, flavour=flavour, switches=Switches(**switches))


def ids(rows: list[dict[str, Any]]) -> list[int]:
    """Their ids, ascending."""
    return sorted(row["id"] for row in rows)


def read(simulator: InTouchSimulator, *entities: str, state: Any = None, **more: Any) -> Run:
    """Runs the tap for some entities."""
    return run({**simulator.config(), "entities": list(entities), **more}, state=state)


def write(
    simulator: InTouchSimulator, folder: Path, entity: str, *records: Mapping[str, Any], **more: Any
) -> writing.Run:
    """Runs the target for records with the key ``key``."""
    fields = dict.fromkeys(["key", *(name for each in records for name in each)])
    numbered = ({"key": f"k{number}", **each} for number, each in enumerate(records))
    messages = [writing.schema(entity, fields, ["key"]), *(writing.record(entity, **each) for each in numbered)]
    config = {**simulator.config(), "ledger_url": f"sqlite:///{folder}/ledger.sqlite", "identify_by": "ledger", **more}
    return writing.run(config, messages)


def written(simulator: InTouchSimulator) -> list[tuple[str, str]]:
    """Methods and paths of all requests that change something."""
    return [(call.method, call.path) for call in simulator.calls if call.method in WRITES]


def client(simulator: InTouchSimulator, **more: Any) -> Client:
    """A connection without a connector."""
    return client_for({**simulator.config(), **more})


def entity(opened: Client, name: str) -> Entity:
    """What the system says of an entity."""
    return opened.system.describe(opened.call, name)
