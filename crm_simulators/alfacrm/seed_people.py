"""Seeded customers, groups, teachers, and what is about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm_simulators.alfacrm import odd
from crm_simulators.alfacrm.columns import SENTINEL
from crm_simulators.alfacrm.seed_tools import at, branches, note, pick

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from crm_simulators.alfacrm.store import Row

SHARED_STAMP = "2025-06-15 12:00:00"
"""``updated_at`` of 250 active clients of branch 1 whose ids follow each other, from 300 rows on."""
_SHARED = range(26, 276)
_NOW = ("2024-09-01", SENTINEL)
_PERIODS = (_NOW, _NOW, ("2024-09-01", "2025-05-31"), _NOW, ("2029-09-01", SENTINEL))


def customers(rng: Random, rows: int, teachers: int) -> Iterator[Row]:
    shared = _SHARED if rows >= 300 else range(0)
    for id_ in range(1, rows + 1):
        is_shared = id_ in shared
        stamp = SHARED_STAMP if is_shared else at(id_, rows)
        is_lead = not is_shared and id_ % 4 == 0
        ended = not is_shared and id_ % 10 == 7
        yield {
            "name": pick(odd.NAMES, id_) if id_ % 3 else f"Клиент {id_}",
            "branch_ids": [1] if is_shared else branches(id_),
            "teacher_ids": [id_ % teachers + 1] if id_ % 6 == 0 else [],
            "is_study": 0 if is_lead else 1,
            "study_status_id": None if is_lead else id_ % 3 + 1,
            "lead_status_id": id_ % 5 + 1 if is_lead else None,
            "lead_reject_id": 1 if is_lead and ended else None,
            "customer_reject_id": 2 if ended and not is_lead else None,
            "lead_source_id": pick((None, 1, 2, 3), id_),
            "assigned_id": pick((None, 1, 2), id_),
            "legal_type": 2 if id_ % 7 == 0 else 1,
            "legal_name": pick((None, "", 'Школа "Ромашка"'), id_),
            "gender": pick((None, 0, 1, 2), id_),
            "dob": pick(odd.BIRTHDAYS, id_),
            "balance": pick(odd.MONEY, id_),
            "balance_bonus": pick(odd.BONUSES, id_),
            "last_attend_date": pick((None, "2025-12-09"), id_),
            "b_date": at(id_ // 2, rows),
            "e_date": "2025-03-31" if ended else SENTINEL,
            "paid_count": id_ % 9,
            "paid_lesson_count": rng.randint(-3, 12),
            "paid_lesson_date": pick((None, "2025-11-20 12:30:01"), id_),
            "next_lesson_date": pick((None, None, "2029-01-10 11:00:01"), id_),
            "paid_till": pick((None, "2038-01-19 03:14:08"), id_),
            "phone": pick(odd.PHONES, id_) if id_ % 2 else [f"+7(9{id_ // 10**7:02})" + _number(id_)],
            "email": pick(odd.EMAILS, id_),
            "note": note(id_),
            "color": pick(odd.COLORS, id_),
            "created_at": at(id_ // 2, rows),
            "updated_at": stamp,
            "custom_external_id": f"ext-{id_}" if id_ % 4 == 1 else None,
            "custom_age": pick(odd.CUSTOM, id_),
            "custom_contract_date": pick((None, "09.09.2024"), id_),
        }


def _number(id_: int) -> str:
    digits = f"{id_ % 10**7:07}"
    return f"{digits[:3]}-{digits[3:5]}-{digits[5:]}"


def teacher(id_: int) -> Row:
    return {
        "name": pick(odd.NAMES, id_ + 5),
        "branch_ids": pick(([1], [2], [1, 2], [1, 3]), id_),
        "dob": pick(("1980-05-17", None), id_),
        "gender": id_ % 3,
        "e_date": "2025-02-01" if id_ % 7 == 3 else SENTINEL,
        "phone": pick(odd.PHONES, id_),
        "email": pick(odd.EMAILS, id_),
        "note": pick(odd.NOTES[:9], id_),
        "teacher-to-skill": [{"id": id_, "teacher_id": id_, "skill_id": 2, "name": "C1"}] if id_ % 2 else [],
        "custom_rank": pick(odd.CUSTOM, id_),
    }


def group(id_: int, groups: int, teachers: int) -> Row:
    return {
        "name": pick(odd.NAMES, id_) if id_ % 2 else f"Группа {id_}",
        "branch_ids": branches(id_),
        "teacher_ids": [id_ % teachers + 1],
        "level_id": pick((None, 1, 2), id_),
        "status_id": pick((None, 1), id_),
        "limit": pick((None, 0, 12), id_),
        "note": pick(odd.NOTES[:9], id_),
        "b_date": "2024-09-01",
        "e_date": "2025-05-31" if id_ % 5 == 4 else SENTINEL,
        "created_at": at(id_ // 2, groups),
        "updated_at": at(id_, groups),
        "custom_chat_id": pick((None, "-1001234567890"), id_),
    }


def membership(id_: int, rows: int, groups: int) -> Row:
    """Past, future, and mostly current memberships."""
    begin, end = pick(_PERIODS, id_)
    return {
        "customer_id": id_ * 3 % max(rows, 1) + 1,
        "group_id": id_ % groups + 1,
        "b_date": begin,
        "e_date": end,
        "branch_id": id_ % 2 + 1,
        "created_at": at(id_, rows),
        "updated_at": at(id_, rows),
    }


def task(id_: int, rows: int) -> Row:
    return {
        "branch_ids": pick(([], [1], [2], [1, 2]), id_),
        "user_id": 2,
        "assigned_ids": [1],
        "customer_ids": [id_ % max(rows, 1) + 1],
        "title": pick(odd.NAMES, id_),
        "text": pick(odd.NOTES[:9], id_),
        "created_at": f"2025-{id_ % 12 + 1:02}-11 10:00:00",
        "is_done": id_ % 2,
        "due_date": pick((None, "2025-07-01", "2029-07-01"), id_),
        "done_date": "2025-06-30 15:00:00" if id_ % 2 else None,
        "priority": id_ % 3,
    }


def communication(id_: int, rows: int) -> Row:
    return {
        "class": pick(("Customer", "Customer", "Customer", "Group", "Task", "Lead"), id_),
        "related_id": id_ % max(rows, 1) + 1,
        "user_id": 2,
        "added": f"2025-{id_ % 12 + 1:02}-05 09:30:00",
        "comment": pick(odd.NOTES[2:9], id_),
    }
