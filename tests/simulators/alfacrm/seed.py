"""A tenant to begin with: the same rows for the same number, stamped in 2025, odd wherever a value can be odd."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from tests.simulators.alfacrm import odd
from tests.simulators.alfacrm.columns import SENTINEL
from tests.simulators.alfacrm.seed_dictionaries import DICTIONARIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.simulators.alfacrm.store import Row, Store

SHARED_STAMP = "2025-06-15 12:00:00"
"""``updated_at`` of 250 active customers of branch 1 that follow each other, from 300 rows on."""
_SHARED = range(26, 276)
_START = datetime(2025, 1, 1)  # noqa: DTZ001 - the tenant's wall clock
_YEAR = 360 * 86400


def seed(store: Store, rows: int) -> None:
    """Fills an empty store; ``rows`` is the number of customers, lessons, pays, memberships and log records."""
    rng = Random(20250101)
    for path, dictionary in DICTIONARIES.items():
        store.load(path, dictionary)
    groups, teachers = max(6, rows // 8), max(3, min(400, rows // 25))
    store.load("teacher", (_teacher(id_) for id_ in range(1, teachers + 1)))
    store.load("customer", _customers(rng, rows, teachers))
    store.load("group", (_group(id_, groups, teachers) for id_ in range(1, groups + 1)))
    store.load("cgi", (_membership(id_, rows, groups) for id_ in range(1, rows + 1)))
    store.load("lesson", _lessons(rng, rows, groups, teachers))
    store.load("regular-lesson", (_regular_lesson(id_, teachers) for id_ in range(1, groups + 1)))
    store.load("pay", _pays(rng, rows))
    store.load("customer-tariff", (_customer_tariff(id_, rows) for id_ in range(1, max(4, rows // 2) + 1)))
    store.load("task", (_task(id_, rows) for id_ in range(1, max(5, rows // 5) + 1)))
    store.load("communication", (_communication(id_, rows) for id_ in range(1, max(8, rows // 2) + 1)))
    store.load("discount", (_discount(id_, rows) for id_ in range(1, 61)))
    for path in ("sms-message", "mail-message", "phone-call"):
        store.load(path, (_message(path, id_) for id_ in range(1, max(5, rows // 10) + 1)))
    store.load("log", (_log(id_, rows) for id_ in range(1, rows + 1)))
    for id_ in range(1, teachers + 1):
        store.load(
            "teacher-rate", [{"teacher_id": id_, "subject_ids": [1], "lesson_type_ids": [1, 2], "rate": "500.00"}]
        )
        store.load("working-hour", [{"teacher_id": id_, "day": id_ % 8, "time_from": "09:00", "time_to": "18:00"}])


def _at(position: int, count: int) -> str:
    """A moment of 2025, spread evenly and out of order."""
    step = _YEAR / count
    return (_START + timedelta(seconds=int(position * 7919 % count * step))).isoformat(" ")


def _pick(values: Sequence[Any], position: int) -> Any:
    value = values[position % len(values)]
    return list(value) if isinstance(value, list) else value


def _branches(id_: int) -> list[int]:
    if id_ % 50 == 3:
        return [3]
    if id_ % 9 == 0:
        return [1, 2]
    return [2] if id_ % 5 == 1 else [1]


def _customers(rng: Random, rows: int, teachers: int) -> Iterator[Row]:
    shared = _SHARED if rows >= 300 else range(0)
    for id_ in range(1, rows + 1):
        is_shared = id_ in shared
        stamp = SHARED_STAMP if is_shared else _at(id_, rows)
        is_lead = not is_shared and id_ % 4 == 0
        ended = not is_shared and id_ % 10 == 7
        yield {
            "name": _pick(odd.NAMES, id_) if id_ % 3 else f"Клиент {id_}",
            "branch_ids": [1] if is_shared else _branches(id_),
            "teacher_ids": [id_ % teachers + 1] if id_ % 6 == 0 else [],
            "is_study": 0 if is_lead else 1,
            "study_status_id": None if is_lead else id_ % 3 + 1,
            "lead_status_id": id_ % 5 + 1 if is_lead else None,
            "lead_reject_id": 1 if is_lead and ended else None,
            "customer_reject_id": 2 if ended and not is_lead else None,
            "lead_source_id": _pick((None, 1, 2, 3), id_),
            "assigned_id": _pick((None, 1, 2), id_),
            "legal_type": 2 if id_ % 20 == 0 else 1,
            "legal_name": _pick((None, "", 'ООО "Ромашка"'), id_),
            "gender": _pick((None, 0, 1, 2), id_),
            "dob": _pick(odd.BIRTHDAYS, id_),
            "balance": _pick(odd.MONEY, id_),
            "balance_bonus": _pick(odd.BONUSES, id_),
            "last_attend_date": _pick((None, "2025-12-09"), id_),
            "b_date": _at(id_ // 2, rows),
            "e_date": "2025-03-31" if ended else SENTINEL,
            "paid_count": id_ % 9,
            "paid_lesson_count": rng.randint(-3, 12),
            "paid_lesson_date": _pick((None, "2025-11-20 12:30:01"), id_),
            "next_lesson_date": _pick((None, None, "2029-01-10 11:00:01"), id_),
            "paid_till": _pick((None, "2038-01-19 03:14:08"), id_),
            "phone": _pick(odd.PHONES, id_) if id_ % 2 else [f"+7(9{id_ // 10**7:02})" + _number(id_)],
            "email": _pick(odd.EMAILS, id_),
            "note": _note(id_),
            "color": _pick(odd.COLORS, id_),
            "created_at": _at(id_ // 2, rows),
            "updated_at": stamp,
            "custom_external_id": f"ext-{id_}" if id_ % 4 == 1 else None,
            "custom_age": _pick(odd.CUSTOM, id_),
            "custom_contract_date": _pick((None, "09.09.2024"), id_),
        }


def _number(id_: int) -> str:
    digits = f"{id_ % 10**7:07}"
    return f"{digits[:3]}-{digits[3:5]}-{digits[5:]}"


def _note(id_: int) -> str | None:
    """The very long text stands in few rows, whatever their number."""
    note: str | None = _pick(odd.NOTES, id_)
    return note if note is None or len(note) < 1000 or id_ < 100 else "кратко"


def _teacher(id_: int) -> Row:
    return {
        "name": _pick(odd.NAMES, id_ + 5),
        "branch_ids": _pick(([1], [2], [1, 2], [1, 3]), id_),
        "dob": _pick(("1980-05-17", None), id_),
        "gender": id_ % 3,
        "e_date": "2025-02-01" if id_ % 7 == 3 else SENTINEL,
        "phone": _pick(odd.PHONES, id_),
        "email": _pick(odd.EMAILS, id_),
        "note": _pick(odd.NOTES[:9], id_),
        "teacher-to-skill": [{"id": id_, "teacher_id": id_, "skill_id": 2, "name": "C1"}] if id_ % 2 else [],
        "custom_rank": _pick(odd.CUSTOM, id_),
    }


def _group(id_: int, groups: int, teachers: int) -> Row:
    return {
        "name": _pick(odd.NAMES, id_) if id_ % 2 else f"Группа {id_}",
        "branch_ids": _branches(id_),
        "teacher_ids": [id_ % teachers + 1],
        "level_id": _pick((None, 1, 2), id_),
        "status_id": _pick((None, 1), id_),
        "limit": _pick((None, 0, 12), id_),
        "note": _pick(odd.NOTES[:9], id_),
        "b_date": "2024-09-01",
        "e_date": "2025-05-31" if id_ % 5 == 4 else SENTINEL,
        "created_at": _at(id_ // 2, groups),
        "updated_at": _at(id_, groups),
        "custom_chat_id": _pick((None, "-1001234567890"), id_),
    }


def _membership(id_: int, rows: int, groups: int) -> Row:
    """Past, future, and mostly current memberships."""
    begin, end = _pick(
        (("2024-09-01", SENTINEL), ("2024-09-01", "2025-05-31"), ("2029-09-01", SENTINEL)), max(0, id_ % 5 - 2)
    )
    return {
        "customer_id": id_ * 3 % rows + 1,
        "group_id": id_ % groups + 1,
        "b_date": begin,
        "e_date": end,
        "branch_id": id_ % 2 + 1,
        "created_at": _at(id_, rows),
        "updated_at": _at(id_, rows),
    }


def _lessons(rng: Random, rows: int, groups: int, teachers: int) -> Iterator[Row]:
    for id_ in range(1, rows + 1):
        status = _pick((3, 3, 1, 2), id_)
        kind = id_ % 3 + 1
        customers = sorted({rng.randint(1, rows) for _ in range(1 if kind == 1 else 2)})
        stamp = _at(id_, rows)
        yield {
            "branch_id": id_ % 3 + 1 if id_ % 4 else 1,
            "regular_id": id_ % groups + 1 if id_ % 5 == 0 else None,
            "date": f"2029-{id_ % 12 + 1:02}-{id_ % 28 + 1:02}" if status == 1 else stamp[:10],
            "time_from": f"{9 + id_ % 10:02}:30",
            "time_to": f"{10 + id_ % 10:02}:15",
            "duration": 45,
            "lesson_type_id": kind,
            "status": status,
            "subject_id": id_ % 4 + 1,
            "room_id": _pick((None, 1, 2, 3), id_),
            "teacher_ids": [id_ % teachers + 1],
            "customer_ids": customers,
            "group_ids": [id_ % groups + 1] if kind == 2 else [],
            "note": _note(id_),
            "topic": _pick(odd.NAMES, id_),
            "created_at": stamp,
            "updated_at": stamp,
            "details": [_detail(id_, place, customer) for place, customer in enumerate(customers)]
            if status == 3
            else [],
            "custom_zoom": _pick((None, "https://zoom.example.test/j/1"), id_),
        }


def _detail(lesson: int, place: int, customer: int) -> Row:
    return {
        "id": lesson * 2 + place,
        "branch_id": lesson % 3 + 1 if lesson % 4 else 1,
        "lesson_id": lesson,
        "customer_id": customer,
        "ctt_id": None,
        "is_attend": lesson % 2,
        "reason_id": None if lesson % 2 else 1,
        "reason_name": "" if lesson % 2 else "Болезнь",
        "commission": "95.00",
        "grade": _pick((None, "5", 4, ""), lesson),
        "homework_grade_id": None,
        "bonus": lesson % 4,
        "note": _pick(odd.NOTES[1:5], lesson),
    }


def _regular_lesson(id_: int, teachers: int) -> Row:
    return {
        "branch_id": id_ % 2 + 1,
        "lesson_type_id": 2,
        "subject_id": id_ % 4 + 1,
        "room_id": _pick((None, 1, 2), id_),
        "related_class": "Group" if id_ % 3 else "Customer",
        "related_id": id_,
        "teacher_ids": [id_ % teachers + 1],
        "day": id_ % 7 + 1,
        "time_from_v": "11:00",
        "time_to_v": "12:30",
        "b_date": "2024-09-01",
        "e_date": "2025-05-31" if id_ % 2 else "2029-05-31",
        "is_public": id_ % 2 == 0,
    }


def _pays(rng: Random, rows: int) -> Iterator[Row]:
    for id_ in range(1, rows + 1):
        kind = _pick((1, 1, 1, 5, 7), id_)
        stamp = _at(id_, rows)
        yield {
            "branch_id": id_ % 2 + 1,
            "location_id": _pick((None, 1), id_),
            "customer_id": None if kind == 7 else rng.randint(1, rows),
            "pay_type_id": kind,
            "pay_account_id": id_ % 2 + 1,
            "pay_item_id": _pick((None, 1, 2), id_),
            "pay_item_category_id": _pick((None, 1), id_),
            "group_ids": [],
            "document_date": stamp[:10],
            "income": _pick(odd.MONEY, id_),
            "bonus": _pick(odd.BONUSES, id_),
            "payer_name": _pick(odd.NAMES, id_),
            "note": _pick(odd.NOTES[:9], id_),
            "is_confirmed": id_ % 2,
            "created_at": stamp,
            "updated_at": stamp,
            "custom_md_order": _pick((None, "order-1"), id_),
        }


def _customer_tariff(id_: int, rows: int) -> Row:
    return {
        "customer_id": id_ * 2 % rows + 1,
        "tariff_id": id_ % 4 + 1,
        "subject_ids": [id_ % 4 + 1],
        "lesson_type_ids": [2, 3],
        "is_separate_balance": id_ % 2,
        "balance": _pick(odd.MONEY, id_),
        "paid_count": id_ % 9,
        "paid_till": _pick((None, "2026-01-01 00:00:00"), id_),
        "paid_lesson_count": id_ % 5 - 1,
        "note": _pick(odd.NOTES[:9], id_),
        "b_date": "2021-01-01",
        "e_date": "2022-01-01" if id_ % 3 == 0 else SENTINEL,
        "is_archive": int(id_ % 3 == 0),
    }


def _task(id_: int, rows: int) -> Row:
    return {
        "branch_ids": _pick(([], [1], [2], [1, 2]), id_),
        "user_id": 2,
        "assigned_ids": [1],
        "customer_ids": [id_ % rows + 1],
        "title": _pick(odd.NAMES, id_),
        "text": _pick(odd.NOTES[:9], id_),
        "created_at": f"2025-{id_ % 12 + 1:02}-11 10:00:00",
        "is_done": id_ % 2,
        "due_date": _pick((None, "2025-07-01", "2029-07-01"), id_),
        "done_date": "2025-06-30 15:00:00" if id_ % 2 else None,
        "priority": id_ % 3,
    }


def _communication(id_: int, rows: int) -> Row:
    return {
        "class": _pick(("Customer", "Customer", "Customer", "Group", "Task", "Lead"), id_),
        "related_id": id_ % rows + 1,
        "user_id": 2,
        "added": f"2025-{id_ % 12 + 1:02}-05 09:30:00",
        "comment": _pick(odd.NOTES[2:9], id_),
    }


def _discount(id_: int, rows: int) -> Row:
    return {
        "branch_id": id_ % 2 + 1,
        "customer_id": id_ % rows + 1,
        "discount_type": id_ % 2 + 1,
        "amount": _pick((10, 12.5, 0, 100), id_),
        "note": _pick(odd.NOTES[:9], id_),
        "subject_ids": [1] if id_ % 2 else [],
        "begin": "2025-01-01",
        "end": _pick((None, SENTINEL, "2025-06-30"), id_),
    }


def _message(path: str, id_: int) -> Row:
    moment = f"2025-{id_ % 12 + 1:02}-07 08:00:00"
    about: dict[str, Row] = {
        "sms-message": {"phone": "+7(900)000-00-01", "text": _pick(odd.NAMES, id_), "sent_date": moment},
        "mail-message": {
            "email": "ivan@example.test",
            "subject": "Привет",
            "html": "<p>Hi &amp; bye</p>",
            "sent_date": moment,
        },
        "phone-call": {"phone": "+7(900)000-00-01", "duration": id_},
    }
    return {**about[path], "added": moment, "branch_id": id_ % 2 + 1}


def _log(id_: int, rows: int) -> Row:
    """Every kind of event; what was deleted here is in no list."""
    event = _pick((1, 2, 3), id_)
    new = {} if event == 3 else {"name": _pick(odd.NAMES, id_)}
    return {
        "entity": _pick(("Customer", "Group", "Lesson", "Pay", "LessonDetails"), id_),
        "entity_id": 10_000_000 + id_ if event == 3 else id_,
        "user_id": _pick((None, 1, 2), id_),
        "event": event,
        "fields_old": {} if event == 1 else {"name": "Было"},
        "fields_new": new,
        "fields_rel": {},
        "date_time": _at(id_, rows),
        "branch_ids": [id_ % 2 + 1],
    }
