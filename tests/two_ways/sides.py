"""What the proof must know of each system: where people are kept there, and how a user edits them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.contract.subjects import SEX, SUBJECTS, records
from tests.contract.subjects import change as change_behind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_simulators.base import Simulator

EXAMPLES = Path(__file__).parent.parent.parent / "examples" / "two_ways"


@dataclass(frozen=True)
class Kind:
    """How one system keeps people."""

    entity: str
    fields: Mapping[str, str]
    """Fields of the examples' streams, and what the system calls them."""
    needs: Mapping[str, Any]
    """What a new record has besides."""
    tells_deletions: bool
    widths: Mapping[str, int]
    """How long a name may be there, and not too long for the other side to take it, cut or whole."""
    own: Mapping[str, Any]
    """What a target needs that differs by tenant."""


KINDS = {
    "vtiger": Kind(
        "Contacts",
        {"first_name": "firstname", "last_name": "lastname", "email": "email", "note": "description"},
        {},
        tells_deletions=True,
        widths={"first_name": 40, "last_name": 48},
        own={},
    ),
    "alfacrm": Kind(
        "customer",
        {"last_name": "name", "note": "note"},
        {"legal_type": 1, "is_study": 1, "branch_ids": [1]},
        tells_deletions=True,
        widths={"last_name": 48},
        own={},
    ),
    "egito": Kind(
        "Lead",
        {"first_name": "name", "last_name": "surname", "email": "mainEmail", "note": "description"},
        {"sexId": int(SEX)},
        tells_deletions=False,
        widths={"first_name": 90, "last_name": 120},
        own={"stream_maps": {"people": {"sexId": f"'{SEX}'"}}},
    ),
    "intouch": Kind(
        "parties",
        {"first_name": "firstname", "last_name": "surname", "note": "comment"},
        {"type": "INDIVIDUAL"},
        tells_deletions=False,
        widths={"first_name": 60, "last_name": 48},
        own={},
    ),
}


class Side:
    """One CRM of a pair; ``system`` is the name of its kind, ``name`` what the two pipelines call it."""

    def __init__(self, system: str, name: str, simulator: Simulator) -> None:
        self.system, self.name, self.simulator = system, name, simulator
        self.kind = KINDS[system]
        self.state: dict[str, Any] | None = None
        """The state of the tap that reads this CRM."""
        self.own_tap: dict[str, Any] = {}
        """Settings of that tap besides the example's."""

    def settings(self, end: str) -> dict[str, Any]:
        """The example's settings for one end, with the log-in."""
        example: dict[str, Any] = json.loads((EXAMPLES / f"{self.system}.{end}.json").read_text("utf-8"))
        own = self.kind.own if end == "target" else self.own_tap
        return {**SUBJECTS[self.system].config(self.simulator), **example, **own}

    def people(self) -> dict[str, dict[str, str]]:
        """All people by id, in the words of the streams."""
        return {
            str(row["id"]): {name: str(row.get(field) or "") for name, field in self.kind.fields.items()}
            for row in records(self.simulator, self.kind.entity)
        }

    def create(self, values: Mapping[str, str]) -> str:
        """A user enters a person; the id."""
        named = {self.kind.fields[name]: value for name, value in values.items() if name in self.kind.fields}
        store: Any = getattr(self.simulator, "store", None) if self.system == "vtiger" else self.simulator
        return str(store.insert(self.kind.entity, {**self.kind.needs, **named}))

    def edit(self, crm_id: str, name: str, value: str) -> None:
        """A user edits a field."""
        change_behind(self.simulator, self.kind.entity, crm_id, {self.kind.fields[name]: value})

    def delete(self, crm_id: str) -> None:
        """A user deletes a person."""
        simulator: Any = self.simulator
        if self.system == "vtiger":
            simulator.store.delete(crm_id)
        else:
            simulator.delete(self.kind.entity, int(crm_id))
