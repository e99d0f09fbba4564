"""The actions that are no plain index, create, update or delete."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crm_simulators.alfacrm.columns import BOTH, WrongForm, parse_date
from crm_simulators.alfacrm.reads import Reader, Request, number
from crm_simulators.alfacrm.replies import missing_parameters, reply
from crm_simulators.alfacrm.tables import ENTITIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulators.alfacrm.store import Row, Store
    from crm_simulators.alfacrm.writes import Writer
    from crm_simulators.base import Answer


class Actions:
    """Answers the sub-actions, by entity and action."""

    def __init__(self, store: Store, reader: Reader, writer: Writer) -> None:
        self._store = store
        self._reader = reader
        self.handlers: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("cgi", "customer"): self._groups_of_customer,
            ("teacher", "teacher-rate"): self._instead("teacher-rate"),
            ("teacher", "working-hour"): self._instead("working-hour"),
            ("calendar", "customer"): self._calendar,
            ("bonus", "balance-bonus"): self._bonus,
            ("bonus", "bonus-add"): lambda request: writer.add_bonus(request, 1),
            ("bonus", "bonus-spend"): lambda request: writer.add_bonus(request, -1),
        }

    def _groups_of_customer(self, request: Request) -> Answer:
        """``cgi/customer``: one client's address for the groups of a customer."""
        _demand(request, "customer_id")
        return reply(self._reader.index(request))

    def _instead(self, path: str) -> Callable[[Request], Answer]:
        """The list of another table, never paged, in every branch."""
        return lambda request: reply(self._reader.index(replace(request, entity=ENTITIES[path])))

    def _bonus(self, request: Request) -> Answer:
        """One object without id and envelope (seen in two clients; its keys are assumed)."""
        _demand(request, "customer_id")
        customer = self._store.tables["customer"].get(number(request.query["customer_id"], 0))
        return reply({"balance_bonus": customer["balance_bonus"] if customer else 0})

    def _calendar(self, request: Request) -> Answer:
        """A bare array of lessons in a period; dates dotted or ISO (two clients; its keys are assumed)."""
        _demand(request, "id", "date1", "date2")
        customer = number(request.query["id"], 0)
        try:
            first, last = (parse_date(request.query[name], BOTH) for name in ("date1", "date2"))
        except WrongForm:
            return reply([])
        lessons = self._store.tables["lesson"].values()
        found = [row for row in lessons if customer in row["customer_ids"] and first <= row["date"] <= last]
        return reply([self._event(row) for row in found])

    def _event(self, row: Row) -> dict[str, Any]:
        subject = self._store.tables["subject"].get(row["subject_id"])
        teachers = self._store.tables["teacher"]
        room = self._store.tables["room"].get(row["room_id"])
        return {
            "id": row["id"],
            "title": subject and subject["name"],
            "start": f"{row['date']} {row['time_from']}:01",
            "end": f"{row['date']} {row['time_to']}:00",
            "teacher": ", ".join(teachers[id_]["name"] for id_ in row["teacher_ids"] if id_ in teachers),
            "room": room and room["name"],
            "status": row["status"],
        }


def _demand(request: Request, *names: str) -> None:
    missing = [name for name in names if not request.query.get(name)]
    if missing:
        raise missing_parameters(*missing)
