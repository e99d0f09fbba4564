"""Creates a record exactly once."""

from target_crm.creation.creator import ATTEMPTS, Creator
from target_crm.creation.similarity import may_be_stored_as

__all__ = ["ATTEMPTS", "Creator", "may_be_stored_as"]
