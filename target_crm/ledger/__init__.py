"""What earlier runs wrote into a CRM, and what they were about to write: kept in a database of the user's choice."""

from target_crm.ledger.base import EMPTY, NOT_SHOWN, Agreed, Base, short_digest
from target_crm.ledger.destination import DEFAULT_SOURCE, Destination
from target_crm.ledger.entries import (
    Create,
    Intent,
    Link,
    Snapshot,
    TakenMeanwhile,
    Twin,
    Written,
    being_written,
    digest,
    fingerprint,
    number_of,
    still_shown,
)
from target_crm.ledger.flows import Flow
from target_crm.ledger.ledger import Ledger

__all__ = [
    "DEFAULT_SOURCE",
    "EMPTY",
    "NOT_SHOWN",
    "Agreed",
    "Base",
    "Create",
    "Destination",
    "Flow",
    "Intent",
    "Ledger",
    "Link",
    "Snapshot",
    "TakenMeanwhile",
    "Twin",
    "Written",
    "being_written",
    "digest",
    "fingerprint",
    "number_of",
    "short_digest",
    "still_shown",
]
