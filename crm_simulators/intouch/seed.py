"""The records that an installation starts with: the same for the same number of rows, and full of odd values."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import TYPE_CHECKING

from crm_simulators.intouch.model import GROUPS, LISTS, PARTY_TYPES, USERS, Record
from crm_simulators.odd_values import AMOUNTS, DATES, SURNAMES, TEXTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulators.intouch.database import Database

_FIRST_ENTERED = datetime(2023, 1, 2, 8)  # local time without a zone, as the CRM has it
_LAST_ENTERED = datetime(2024, 12, 30)
_FIRST_MODIFIED = datetime(2025, 1, 1)
_LAST_MODIFIED = datetime(2025, 11, 28, 17, 30)
_BURSTS = (range(50, 300), range(900, 1150))
"""Ranks, newest first, that share one second: 250 rows over the page borders at 100 and 200, and over that at 1000."""
_FOLD = datetime(2025, 10, 26, 2, 30)
_FOLD_RANK = 20
"""One change falls into the hour that the local clock runs through twice."""
_SHARE_CHANGED = 0.8
_ODD_TYPES = sorted(PARTY_TYPES - {"ORGANIZATION", "INDIVIDUAL", "FREELANCER"})


class Seed:
    """Fills an empty database.

    Args:
        rows: How many parties; the other resources have a fixed share of it.
        never_modified: Whether records that were never changed have a ``modified`` all the same.
    """

    def __init__(self, database: Database, rows: int, *, never_modified: bool) -> None:
        self._database = database
        self._random = Random(f"intouch {rows}")
        self._stamped = never_modified
        self._parties = rows
        self._products = max(rows // 10, 3)
        self._logins = sorted(USERS)
        self._groups = sorted(GROUPS)

    def fill(self) -> None:
        """Makes every resource."""
        rows = self._parties
        self._make("parties", rows, self._party)
        self._make("products", self._products, self._product)
        self._make("stores", 3, self._store)
        self._members(rows // 4)
        self._make("opportunities", rows // 4, self._opportunity)
        self._make("buscases", rows // 4, self._buscase)
        self._make("invoices", rows // 8, self._invoice)
        self._make("comm", rows // 2, self._comm)

    def _make(self, resource: str, count: int, build: Callable[[int], Record]) -> None:
        stamps = self._stamps(count)
        for index in range(count):
            row = {"id": self._database.new_id(resource), **build(index), **stamps[index]}
            row["ownerUser"] = self._logins[index % len(self._logins)]
            row["ownerGroup"] = self._groups[index % len(self._groups)]
            self._database.load(resource, {name: value for name, value in row.items() if value is not None})

    def _stamps(self, count: int) -> list[Record]:
        """``entered`` rises with the id; ``modified`` jumps about, and a fifth was never changed."""
        step = (_LAST_ENTERED - _FIRST_ENTERED) / max(count, 1)
        stamps: list[Record] = []
        for index in range(count):
            entered = (_FIRST_ENTERED + index * step).replace(microsecond=0).isoformat()
            login = self._logins[index % len(self._logins)]
            stamps.append({"entered": entered, "enteredBy": login})
            if self._stamped:
                stamps[-1].update({"modified": entered, "modifiedBy": login})
        shuffled = self._random.sample(range(count), count)
        changed = shuffled[: max(300, int(count * _SHARE_CHANGED))]
        for rank, index in enumerate(changed):
            modified = _modified(rank, len(changed))
            stamps[index].update({"modified": modified, "modifiedBy": self._random.choice(self._logins)})
        return stamps

    def _party(self, index: int) -> Record:
        kind = ("ORGANIZATION", "INDIVIDUAL", "ORGANIZATION", "INDIVIDUAL", "FREELANCER")[index % 5]
        if index % 23 == 22:
            kind = _ODD_TYPES[index // 23 % len(_ODD_TYPES)]
        person = kind in {"INDIVIDUAL", "FREELANCER"}
        odd = TEXTS[index % len(TEXTS)]
        return {
            "type": kind,
            "firstname": ("Jan", "Žofie", "李", None)[index % 4] if person else None,
            "surname": SURNAMES[index % len(SURNAMES)] if person else None,
            "company": None if person else f"Firma {index + 1} {(odd or '')[:100]}",
            "ico": f"{10_000_000 + index}" if kind == "ORGANIZATION" else None,
            "dic": f"CZ{10_000_000 + index}" if index % 4 == 0 else None,
            "street": f"Dlouhá {index}/{index % 7}",
            "city": (odd or "Praha")[:64],
            "zip": f"{10000 + index % 80000:05}",
            "country": ("CZ", "SK", "PL", None)[index % 4],
            "birthday": DATES[index % len(DATES)] if person else None,
            "canShopping": (True, False, None)[index % 3],
            "categories": (None, "c1", "c1,c2,c64")[index % 3],
            "comment": odd,
            "debit": (0, -1, None, 2_147_483_647)[index % 4],
            "enteredFrom": (None, "bcca", "impr")[index % 3],
            "contacts": self._contacts(index),
            **self._custom(index),
        }

    @staticmethod
    def _custom(index: int) -> Record:
        return {
            "attrShirtSize": ("M", "XXL", None)[index % 3],
            "attrPoints": index % 11 - 5,
            "attrSigned": DATES[index % len(DATES)],
        }

    @staticmethod
    def _contacts(index: int) -> list[Record]:
        contacts = [{"type": "EMAIL", "value": f"user{index}@example.com"}] if index % 5 != 4 else []
        if index % 2 == 0:
            contacts.append({"type": "PHONE", "value": f"+420 {600_000_000 + index}"})
        if index % 7 == 0:
            contacts.append({"type": "EMAIL", "value": f"Second+{index}@Example.com"})
            contacts.append({"type": "WEB", "value": f"https://example.com/?q={index}&x=ž"})
        return contacts

    def _members(self, count: int) -> None:
        rows = self._database.tables["parties"].rows.values()
        firms = [row["id"] for row in rows if row["type"] == "ORGANIZATION"]
        people = [row["id"] for row in rows if row["type"] == "INDIVIDUAL"]
        for index in range(min(count, len(firms) * len(people))):
            row: Record = {
                "org": firms[index % len(firms)],
                "member": people[(index * 7 + index // len(firms)) % len(people)],
                "priority": index % 4,
                "role": ("jednatel", "", "účetní & <asistentka>")[index % 3],
                "forContact": index % 2 == 0,
                "forBusiness": True,
                "forTechnical": False,
                "forInvoice": index % 5 == 0,
                "authorized": index % 3 == 0,
            }
            days = {"enterDate": "2020-04-28" if index % 2 else None, "leaveDate": DATES[index % len(DATES)]}
            row.update({name: value for name, value in days.items() if value is not None})
            self._database.load("members", row)

    def _customer(self, index: int) -> int | None:
        return 1 + index * 3 % self._parties if self._parties else None

    def _opportunity(self, index: int) -> Record:
        amount, expense = AMOUNTS[index % len(AMOUNTS)], AMOUNTS[index // 3 % len(AMOUNTS)]
        return {
            "name": (TEXTS[index % len(TEXTS)] or f"Příležitost {index}")[:128],
            "customer": self._customer(index),
            "amount": amount,
            "expense": expense,
            "profit": amount - expense if amount is not None and expense is not None else None,
            "currency": ("CZK", "EUR", None)[index % 3],
            "closeDate": DATES[index % len(DATES)],
            "comment": TEXTS[-1 - index % len(TEXTS)],
            "opType": ("new", "old", None)[index % 3],
            "stage": tuple(LISTS["_opStage"][1])[index % 4],
            "probability": index * 10 % 110,
            "lostOccasion": "cena" if index % 4 == 3 else None,
            "attrChance": (None, "dobrá", "")[index % 3],
        }

    def _buscase(self, index: int) -> Record:
        kind = index % 3 + 1
        special: dict[int, Record] = {
            1: {"deliveryDate": DATES[index % len(DATES)], "deliveryAddr": "1", "transport": "PPL"},
            2: {"deviceSerial": f"SN-{index:06}", "warrantyUntil": "2027-01-31", "repairHours": AMOUNTS[6]},
            3: {"start": "2025-03-30", "startTime": "02:30:00", "budget": AMOUNTS[5], "manager": "eva"},
        }
        return {
            "caseType": kind,
            "customer": self._customer(index),
            "name": (TEXTS[index * 5 % len(TEXTS)] or f"Zakázka {index}")[:128],
            "number": f"Z2025/{index:05}",
            "totalPrice": AMOUNTS[index % len(AMOUNTS)],
            "currency": "CZK",
            "items": [self._line(index, line) for line in range(index % 4)],
            **special[kind],
        }

    def _line(self, index: int, line: int) -> Record:
        return {
            "product": 1 + (index + line) % self._products,
            "name": f"Položka {line + 1}",
            "amount": AMOUNTS[6],
            "unitPrice": AMOUNTS[line],
            "issued": line % 2 == 0,
            "invoiced": False,
        }

    def _product(self, index: int) -> Record:
        return {
            "name": (TEXTS[index % len(TEXTS)] or f"Výrobek {index}")[:128],
            "action": index % 2 == 0,
            "code": f"P-{index:05}",
            "price": AMOUNTS[index % len(AMOUNTS)],
            "vat": (21, 12, 0)[index % 3],
        }

    @staticmethod
    def _store(index: int) -> Record:
        return {"subject": ("Hlavní sklad", "Sklad „B“", " ")[index], "street": "Skladová 1", "country": "CZ"}

    def _invoice(self, index: int) -> Record:
        return {
            "customer": self._customer(index),
            "allNumber": f"2025{index + 1:04}CZ",
            "variableSymbol": f"2025{index + 1:04}",
            "issueDate": "2025-05-31",
            "dueDate": DATES[index % len(DATES)],
            "totalPrice": AMOUNTS[index % len(AMOUNTS)],
            "currency": ("CZK", "EUR")[index % 2],
            "items": [self._line(index, line) for line in range(index % 3)],
        }

    def _comm(self, index: int) -> Record:
        done = index % 2 == 0
        return {
            "name": "Zavolat" if index % 3 else (TEXTS[index % len(TEXTS)] or "Schůzka")[:128],
            "customer": self._customer(index),
            "planContact": "2024-12-24",
            "contacted": "2024-12-27" if done else None,
            "contactedTime": ("00:00:00", "23:59:59", None)[index % 3] if done else None,
            "contactType": index % 3 + 1,
            "letterBody": f"<p>{TEXTS[index % len(TEXTS)]}</p>",
            "comment": TEXTS[index * 3 % len(TEXTS)],
            "callDuration": (None, 0, 61)[index % 3],
            "attrMood": (None, -1, 5)[index % 3],
        }


def _modified(rank: int, count: int) -> str:
    """The time of the change that is ``rank`` places from the newest of ``count``."""
    for burst in _BURSTS:
        if rank in burst and count >= burst.stop:
            rank = burst.start
    if rank == _FOLD_RANK:
        return _FOLD.isoformat()
    step = (_LAST_MODIFIED - _FIRST_MODIFIED) / max(count, 1)
    moment = _LAST_MODIFIED - rank * step
    return moment.replace(microsecond=0).isoformat()
