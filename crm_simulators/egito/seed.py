"""The records that a tenant starts with: the same for the same number of rows, and full of odd values."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from random import Random
from typing import TYPE_CHECKING

from crm_simulators.odd_values import AMOUNTS, DATES, SURNAMES, TEXTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulators.egito.model import Id, Record
    from crm_simulators.egito.store import Store

_FIRST_CREATED = datetime(2023, 1, 2, 8, tzinfo=timezone.utc)
_LAST_CREATED = datetime(2024, 12, 30, tzinfo=timezone.utc)
_FIRST_MODIFIED = datetime(2025, 1, 1, tzinfo=timezone.utc)
_LAST_MODIFIED = datetime(2025, 11, 28, 16, 30, 15, 123000, tzinfo=timezone.utc)
_BURST = range(50, 300)
"""Ranks, newest first, that share one moment: 250 rows, which no page border misses."""


class Seed:
    """Fills an empty store.

    Args:
        rows: How many leads; of the other types there are half as many.
    """

    def __init__(self, store: Store, rows: int, *, sex_field: str, prefix_is_id: bool) -> None:
        self._store = store
        self._rows = rows
        self._random = Random(f"egito {rows}")
        self._sex = sex_field
        self._prefix_is_id = prefix_is_id
        self._ids = {name: [entry["id"] for entry in entries] for name, entries in store.dictionaries.items()}

    def fill(self) -> None:
        """Makes every type."""
        half = self._rows // 2
        self._make("Lead", self._rows, self._lead)
        accounts = self._make("Account", half, self._account)
        contacts = self._make("Contact", half, lambda index: self._contact(index, accounts))
        self._make("Opportunity", half, lambda index: self._opportunity(index, accounts, contacts))
        for name in list(self._store.types)[4:]:
            self._make(name, half, lambda index: {"name": f"Nr {index}", "description": _text(index)})

    def _make(self, name: str, count: int, build: Callable[[int], Record]) -> list[Id]:
        step = (_LAST_CREATED - _FIRST_CREATED) / max(count, 1)
        modified = _modified(count)
        self._random.shuffle(modified)
        ids = []
        for index in range(count):
            row = {"id": self._store.new_id(name), **build(index)}
            row["ownerId"] = self._store.owner(1 + index % 3)
            row["created"] = _FIRST_CREATED + timedelta(seconds=int((index * step).total_seconds()))
            row["modified"] = modified[index]
            if "customFields.color" in self._store.types[name]:
                row.update({"customFields.color": _text(index), "customFields.points": index % 7 - 3})
            ids.append(self._store.load(name, row)["id"])
        return ids

    def _pick(self, dictionary: str, index: int) -> Id | None:
        """A row's id; now and then none."""
        ids = self._ids[dictionary]
        return None if index % 9 == 8 else ids[index % len(ids)]

    def _person(self, index: int) -> Record:
        return {
            "name": ("Jan", "Żaneta", "李", None)[index % 4],
            "surname": SURNAMES[index % len(SURNAMES)],
            self._sex: self._ids["sex"][index % 2],
            **self._reachable(index),
        }

    def _reachable(self, index: int) -> Record:
        prefix = self._ids["phone.prefix"][0] if self._prefix_is_id else ("48", "1", "+420", "")[index % 4]
        return {
            "mainPhoneNumber.prefix": prefix if index % 3 else None,
            "mainPhoneNumber.suffix": f"{600_000_000 + index}" if index % 3 else None,
            "mainEmail": f"user{index}@example.com" if index % 5 else None,
        }

    def _lead(self, index: int) -> Record:
        return {
            **self._person(index),
            "companyName": _text(index),
            "sourceId": self._pick("lead.source", index),
            "statusId": self._pick("lead.status", index),
            "description": TEXTS[index % len(TEXTS)],
        }

    def _account(self, index: int) -> Record:
        return {
            "name": _text(index) or f"Firma {index}",
            "nip": f"{5_250_000_000 + index}" if index % 4 else None,
            "industryId": self._pick("industry", index),
            "relationshipTypeId": self._pick("relationshipType", index),
            "website": f"https://example.com/?q={index}&x=ż",
            "address.street": f"Długa {index}/{index % 7}",
            "address.postalCode": f"{index % 100:02}-{index % 1000:03}",
            "address.city": "Łódź" if index % 2 else None,
            "address.countryId": self._pick("country", index),
            **self._reachable(index),
        }

    def _contact(self, index: int, accounts: list[Id]) -> Record:
        person = self._person(index)
        return {**person, "accountId": accounts[index * 3 % len(accounts)], "position": _text(index * 5)}

    def _opportunity(self, index: int, accounts: list[Id], contacts: list[Id]) -> Record:
        return {
            "accountId": accounts[index * 3 % len(accounts)],
            "contactId": contacts[index] if index % 2 else None,
            "name": _text(index) or f"Oferta {index}",
            "value": AMOUNTS[index % len(AMOUNTS)],
            "currencyId": self._pick("currency", index),
            "stageId": self._pick("opportunity.stage", index),
            "probability": index * 10 % 110,
            "closeDate": DATES[index % len(DATES)],
        }


def _text(index: int) -> str | None:
    text = TEXTS[index % len(TEXTS)]
    return text and text[:200]


def _modified(count: int) -> list[datetime]:
    """The times of the last changes, newest first."""
    step = (_LAST_MODIFIED - _FIRST_MODIFIED) / max(count, 1)
    milliseconds = [int((rank * step).total_seconds() * 1000) for rank in range(count)]
    if count >= _BURST.stop:
        milliseconds[_BURST.start : _BURST.stop] = [milliseconds[_BURST.start]] * len(_BURST)
    return [_LAST_MODIFIED - timedelta(milliseconds=before) for before in milliseconds]
