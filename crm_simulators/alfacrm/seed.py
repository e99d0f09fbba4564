"""A tenant to begin with: the same rows for the same number, stamped in 2025, odd wherever a value can be odd."""

from __future__ import annotations

import gc
from random import Random
from typing import TYPE_CHECKING

from crm_simulators.alfacrm.seed_dictionaries import DICTIONARIES
from crm_simulators.alfacrm.seed_people import communication, customers, group, membership, task, teacher
from crm_simulators.alfacrm.seed_study import customer_tariff, discount, lessons, log, message, pays, regular_lesson

if TYPE_CHECKING:
    from crm_simulators.alfacrm.store import Store


def seed(store: Store, rows: int) -> None:
    """Fills an empty store; ``rows`` is the number of customers, lessons, pays, memberships and log records."""
    collects = gc.isenabled()
    gc.disable()  # A third of the time of large seeds; nothing here is garbage.
    try:
        _fill(store, rows)
    finally:
        if collects:
            gc.enable()


def _fill(store: Store, rows: int) -> None:
    rng = Random(20250101)
    for path, dictionary in DICTIONARIES.items():
        store.load(path, dictionary)
    groups, teachers = max(6, rows // 8), max(3, min(400, rows // 25))
    store.load("teacher", (teacher(id_) for id_ in range(1, teachers + 1)))
    store.load("customer", customers(rng, rows, teachers))
    store.load("group", (group(id_, groups, teachers) for id_ in range(1, groups + 1)))
    store.load("cgi", (membership(id_, rows, groups) for id_ in range(1, rows + 1)))
    store.load("lesson", lessons(rng, rows, groups, teachers))
    store.load("regular-lesson", (regular_lesson(id_, teachers) for id_ in range(1, groups + 1)))
    store.load("pay", pays(rng, rows))
    store.load("customer-tariff", (customer_tariff(id_, rows) for id_ in range(1, max(4, rows // 2) + 1)))
    store.load("task", (task(id_, rows) for id_ in range(1, max(5, rows // 5) + 1)))
    store.load("communication", (communication(id_, rows) for id_ in range(1, max(8, rows // 2) + 1)))
    store.load("discount", (discount(id_, rows) for id_ in range(1, 61)))
    for path in ("sms-message", "mail-message", "phone-call"):
        store.load(path, (message(path, id_) for id_ in range(1, max(5, rows // 10) + 1)))
    store.load("log", (log(id_, rows) for id_ in range(1, rows + 1)))
    for id_ in range(1, teachers + 1):
        store.load(
            "teacher-rate", [{"teacher_id": id_, "subject_ids": [1], "lesson_type_ids": [1, 2], "rate": "500.00"}]
        )
        store.load("working-hour", [{"teacher_id": id_, "day": id_ % 8, "time_from": "09:00", "time_to": "18:00"}])
