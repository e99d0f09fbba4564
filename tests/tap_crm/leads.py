"""Reading leads again and again: settings, what came out, what the server holds."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulators.base import Call
    from crm_simulators.vtiger import VtigerSimulator
    from tests.running import Run


def leads(simulator: VtigerSimulator, **more: Any) -> dict[str, Any]:
    """The settings to read leads."""
    return {**simulator.config(), "entities": ["Leads"], "deletion_records": "marked", **more}


def live(result: Run, stream: str = "Leads") -> dict[str, dict[str, Any]]:
    """The records that are there, by id."""
    return {record["id"]: record for record in result.records[stream] if not record.get("_sdc_deleted_at")}


def deleted(result: Run, stream: str = "Leads") -> set[str]:
    """The ids of the records that are told as deleted, in either form."""
    told = {each["id"] for each in result.records["deleted_records"] if each["entity"] == stream}
    return told | {record["id"] for record in result.records[stream] if record.get("_sdc_deleted_at")}


def stored(simulator: VtigerSimulator, module: str = "Leads") -> set[str]:
    """The ids that the server holds."""
    return {row["id"] for row in simulator.store.records(module)}


def bookmark(result: Run, stream: str = "Leads") -> datetime:
    """The time up to which the stream is read."""
    return datetime.fromisoformat(result.bookmark(stream)["replication_key_value"])


def on_page(simulator: VtigerSimulator, number: int, act: Callable[[], object], module: str = "Leads") -> None:
    """Has something happen just before the server answers the n-th page of a module."""
    pages = iter(range(1, 10_000))

    def watch(call: Call) -> None:
        words = call.query.get("query", "").split()
        if words[:4] == ["select", "*", "from", module] and "order" in words and next(pages) == number:
            act()

    simulator.fault = watch


def change_all(simulator: VtigerSimulator) -> set[str]:
    """Changes every lead an hour later."""
    simulator.clock.advance(3600)
    for identifier in stored(simulator):
        simulator.store.change(identifier, {"city": "Elsewhere"})
    return stored(simulator)
