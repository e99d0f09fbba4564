"""What the tests of alfaCRM share."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crm_simulators.alfacrm import AlfaCrmSimulator, Switches
from tests.running import client_for, discover, only, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulators.base import Call
    from crm_systems.client import Client
    from crm_systems.model import Entity
    from tests.running import Run

CALM = Switches(requests_per_second=None)
PATHS = {"teacher_rate": "teacher-rate", "working_hour": "working-hour"}
SUB_LISTS = ["customer_tariff", "communication"]


def tenant(rows: int = 60, **switches: Any) -> AlfaCrmSimulator:
    """A tenant without a limit of requests."""
    return AlfaCrmSimulator(rows=rows, switches=replace(CALM, **switches))


def settings(simulator: AlfaCrmSimulator, **more: Any) -> dict[str, Any]:
    """Settings that read all branches without dawdling."""
    return {**simulator.config(), "requests_per_second": 100_000, "branches": [1, 2, 3], **more}


def read(simulator: AlfaCrmSimulator, *entities: str, state: Any = None, **more: Any) -> Run:
    """Runs the tap for some entities."""
    config = settings(simulator, entities=list(entities), **{"deletion_records": "marked", **more})
    return run(config, catalog=None if state is None else only(discover(config), *entities), state=state)


def stored(simulator: AlfaCrmSimulator, entity: str) -> list[dict[str, Any]]:
    """What the tenant holds."""
    return simulator.records(PATHS.get(entity, entity.replace("_", "-")))


def ids(rows: list[dict[str, Any]]) -> list[int]:
    return sorted(int(row["id"]) for row in rows)


def client(simulator: AlfaCrmSimulator, **more: Any) -> Client:
    """A connection without a connector."""
    return client_for(settings(simulator, **more))


def entity(opened: Client, name: str) -> Entity:
    return opened.system.describe(opened.call, name)


def on_page(simulator: AlfaCrmSimulator, path: str, page: int, act: Callable[[], object]) -> None:
    """Does something once, just before a page of a list is handed out; discovery asks for first pages only."""
    done: list[int] = []

    def watch(call: Call) -> None:
        if call.path.endswith(f"{path}/index") and json.loads(call.body).get("page") == page and not done:
            done.append(call.number)
            act()

    simulator.fault = watch


def writes(simulator: AlfaCrmSimulator) -> list[tuple[str, dict[str, Any]]]:
    """The path behind ``/v2api/`` and the body of every request that changes something."""
    return [
        (call.path.removeprefix("/v2api/"), json.loads(call.body))
        for call in simulator.calls
        if call.path.endswith(("/create", "/update", "/delete"))
    ]
