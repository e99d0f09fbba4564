"""Which records are gone: as the CRM tells it, or found by comparing what was sent with what is still listed."""

from tap_crm.deletions.deletions import Deletions, are_marked, have_place
from tap_crm.deletions.removals import Removals

__all__ = ["Deletions", "Removals", "are_marked", "have_place"]
