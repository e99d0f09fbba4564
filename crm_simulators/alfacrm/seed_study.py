"""Seeded lessons, money, messages and log records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm_simulators.alfacrm import odd
from crm_simulators.alfacrm.columns import SENTINEL
from crm_simulators.alfacrm.seed_tools import at, note, pick

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from crm_simulators.alfacrm.store import Row


def lessons(rng: Random, rows: int, groups: int, teachers: int) -> Iterator[Row]:
    for id_ in range(1, rows + 1):
        status = pick((3, 3, 1, 2), id_)
        kind = id_ % 3 + 1
        customers = sorted({rng.randint(1, rows) for _ in range(1 if kind == 1 else 2)})
        stamp = at(id_, rows)
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
            "room_id": pick((None, 1, 2, 3), id_),
            "teacher_ids": [id_ % teachers + 1],
            "customer_ids": customers,
            "group_ids": [id_ % groups + 1] if kind == 2 else [],
            "note": note(id_),
            "topic": pick(odd.NAMES, id_),
            "created_at": stamp,
            "updated_at": stamp,
            "details": [_detail(id_, place, customer) for place, customer in enumerate(customers)]
            if status == 3
            else [],
            "custom_zoom": pick((None, "https://zoom.example.test/j/1"), id_),
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
        "grade": pick((None, "5", 4, ""), lesson),
        "homework_grade_id": None,
        "bonus": lesson % 4,
        "note": pick(odd.NOTES[1:5], lesson),
    }


def regular_lesson(id_: int, teachers: int) -> Row:
    return {
        "branch_id": id_ % 2 + 1,
        "lesson_type_id": 2,
        "subject_id": id_ % 4 + 1,
        "room_id": pick((None, 1, 2), id_),
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


def pays(rng: Random, rows: int) -> Iterator[Row]:
    for id_ in range(1, rows + 1):
        kind = pick((1, 1, 1, 5, 7), id_)
        stamp = at(id_, rows)
        yield {
            "branch_id": id_ % 2 + 1,
            "location_id": pick((None, 1), id_),
            "customer_id": None if kind == 7 else rng.randint(1, rows),
            "pay_type_id": kind,
            "pay_account_id": id_ % 2 + 1,
            "pay_item_id": pick((None, 1, 2), id_),
            "pay_item_category_id": pick((None, 1), id_),
            "group_ids": [],
            "document_date": stamp[:10],
            "income": pick(odd.MONEY, id_),
            "bonus": pick(odd.BONUSES, id_),
            "payer_name": pick(odd.NAMES, id_),
            "note": pick(odd.NOTES[:9], id_),
            "is_confirmed": id_ % 2,
            "created_at": stamp,
            "updated_at": stamp,
            "custom_md_order": pick((None, "order-1"), id_),
        }


def customer_tariff(id_: int, rows: int) -> Row:
    return {
        "customer_id": id_ * 2 % max(rows, 1) + 1,
        "tariff_id": id_ % 4 + 1,
        "subject_ids": [id_ % 4 + 1],
        "lesson_type_ids": [2, 3],
        "is_separate_balance": id_ % 2,
        "balance": pick(odd.MONEY, id_),
        "paid_count": id_ % 9,
        "paid_till": pick((None, "2026-01-01 00:00:00"), id_),
        "paid_lesson_count": id_ % 5 - 1,
        "note": pick(odd.NOTES[:9], id_),
        "b_date": "2021-01-01",
        "e_date": "2022-01-01" if id_ % 3 == 0 else SENTINEL,
        "is_archive": int(id_ % 3 == 0),
    }


def discount(id_: int, rows: int) -> Row:
    return {
        "branch_id": id_ % 2 + 1,
        "customer_id": id_ % max(rows, 1) + 1,
        "discount_type": id_ % 2 + 1,
        "amount": pick((10, 12.5, 0, 100), id_),
        "note": pick(odd.NOTES[:9], id_),
        "subject_ids": [1] if id_ % 2 else [],
        "begin": "2025-01-01",
        "end": pick((None, SENTINEL, "2025-06-30"), id_),
    }


def message(path: str, id_: int) -> Row:
    moment = f"2025-{id_ % 12 + 1:02}-07 08:00:00"
    about: dict[str, Row] = {
        "sms-message": {"phone": "+7(900)000-00-01", "text": pick(odd.NAMES, id_), "sent_date": moment},
        "mail-message": {
            "email": "ivan@example.test",
            "subject": "Привет",
            "html": "<p>Hi &amp; bye</p>",
            "sent_date": moment,
        },
        "phone-call": {"phone": "+7(900)000-00-01", "duration": id_},
    }
    return {**about[path], "added": moment, "branch_id": id_ % 2 + 1}


def log(id_: int, rows: int) -> Row:
    """Every kind of event; what was deleted here is in no list."""
    event = pick((1, 2, 3), id_)
    new = {} if event == 3 else {"name": pick(odd.NAMES, id_)}
    return {
        "entity": pick(("Customer", "Group", "Lesson", "Pay", "LessonDetails"), id_),
        "entity_id": 10_000_000 + id_ if event == 3 else id_,
        "user_id": pick((None, 1, 2), id_),
        "event": event,
        "fields_old": {} if event == 1 else {"name": "Было"},
        "fields_new": new,
        "fields_rel": {},
        "date_time": at(id_, rows),
        "branch_ids": [id_ % 2 + 1],
    }
