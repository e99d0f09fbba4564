"""Creates a record exactly once."""

from target_crm.creation.creator import ATTEMPTS, Creator

__all__ = ["ATTEMPTS", "Creator"]
