"""What a contract test must know of each system: one entity, how to change it behind the interface's back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from crm_simulators.alfacrm import AlfaCrmSimulator
from crm_simulators.alfacrm import Switches as AlfaCrmSwitches
from crm_simulators.egito import EgitoSimulator
from crm_simulators.egito import Switches as EgitoSwitches
from crm_simulators.intouch import InTouchSimulator
from crm_simulators.vtiger import SimplyCrmSimulator, VtigerSimulator
from crm_simulators.vtiger import Switches as VtigerSwitches

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crm_simulators.base import Simulator

Position = TypeVar("Position")


@dataclass(frozen=True, eq=False)
class Subject:
    """One system under test."""

    start: Callable[[int], Simulator]
    """A simulator with about so many records."""
    entity: str
    secret: str
    """The setting that holds the password or key."""
    text: str
    """A field that holds a text and may be written."""
    match: str
    """A field by which a record can be found."""
    values: Callable[[int], dict[str, Any]]
    """The values of the n-th new record."""
    settings: dict[str, Any] = field(default_factory=dict)
    incremental: bool = True
    other: str = ""
    """Another entity, where there are several."""

    def config(self, simulator: Simulator) -> dict[str, Any]:
        """Settings that log in at the simulator and do not dawdle."""
        return {**simulator.config(), "requests_per_second": 1000, **self.settings}


def records(simulator: Any, entity: str) -> list[dict[str, Any]]:
    """What the CRM holds."""
    store = simulator.store if isinstance(simulator, VtigerSimulator) else simulator
    found: list[dict[str, Any]] = store.records(entity)
    return found


def change(simulator: Any, entity: str, key: str, values: dict[str, Any]) -> None:
    """Changes a record as another user would."""
    if isinstance(simulator, VtigerSimulator):
        simulator.store.change(key, values)
    else:
        simulator.change(entity, int(key), values)


SEX = next(str(row["id"]) for row in EgitoSimulator(rows=0).records("SelectDictionary") if row["type"] == "sex")
"""Ids of dictionaries differ by tenant; this one is the simulator's default tenant."""

VTIGER = Subject(
    start=lambda rows: VtigerSimulator(rows=rows, switches=VtigerSwitches(sync_registered=True)),
    entity="Contacts",
    other="Accounts",
    secret="access_key",
    text="title",
    match="email",
    values=lambda n: {"lastname": f"Newcomer {n}", "email": f"new{n}@example.com", "assigned_user_id": "19x1"},
)
SUBJECTS: dict[str, Subject] = {
    "vtiger": VTIGER,
    "simplycrm": replace(VTIGER, start=lambda rows: SimplyCrmSimulator(rows=rows)),
    "alfacrm": Subject(
        start=lambda rows: AlfaCrmSimulator(rows=rows, switches=AlfaCrmSwitches(requests_per_second=None)),
        entity="customer",
        other="subject",
        secret="api_key",
        text="note",
        match="name",
        values=lambda n: {"name": f"Новичок {n}", "legal_type": 1, "is_study": 1},
        settings={"branches": [1, 2, 3]},
    ),
    "intouch": Subject(
        start=lambda rows: InTouchSimulator(rows=rows),
        entity="parties",
        other="opportunities",
        secret="password",
        text="comment",
        match="company",
        values=lambda n: {"type": "ORGANIZATION", "company": f"Nováček {n} s.r.o."},
    ),
    "egito": Subject(
        start=lambda rows: EgitoSimulator(rows=rows, switches=EgitoSwitches()),
        entity="Lead",
        other="Account",
        secret="password",
        text="description",
        match="mainEmail",
        values=lambda n: {"name": "Nowy", "surname": f"Nowak {n}", "sexId": SEX, "mainEmail": f"nowy{n}@example.com"},
    ),
}
"""By the name of the system."""


def turns(subject: Subject, sweep: Sequence[Position]) -> Sequence[Position]:
    """What of a sweep falls to a system: all of it, but the two Vtigers, which are one room, take turns."""
    room = [SUBJECTS["vtiger"], SUBJECTS["simplycrm"]]
    return sweep[room.index(subject) :: 2] if subject in room else sweep
