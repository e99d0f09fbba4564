"""Creates a record exactly once."""

from target_crm.writing.creation.creator import ATTEMPTS, Creator, pauses_between_looks, without_answer
from target_crm.writing.creation.similarity import may_be_stored_as

__all__ = ["ATTEMPTS", "Creator", "may_be_stored_as", "pauses_between_looks", "without_answer"]
