"""Creates a record exactly once."""

from target_crm.writing.creation.creator import ATTEMPTS, LEASES, LOOK_SECONDS, Creator, pause_before, without_answer
from target_crm.writing.creation.similarity import may_be_stored_as

__all__ = ["ATTEMPTS", "LEASES", "LOOK_SECONDS", "Creator", "may_be_stored_as", "pause_before", "without_answer"]
