"""What earlier runs wrote into a CRM, and what they were about to write: kept in a database of the user's choice."""

from target_crm.ledger.destination import Destination
from target_crm.ledger.entries import (
    Create,
    Intent,
    Link,
    Snapshot,
    TakenMeanwhile,
    Written,
    digest,
    fingerprint,
    number_of,
)
from target_crm.ledger.ledger import Ledger

__all__ = [
    "Create",
    "Destination",
    "Intent",
    "Ledger",
    "Link",
    "Snapshot",
    "TakenMeanwhile",
    "Written",
    "digest",
    "fingerprint",
    "number_of",
]
