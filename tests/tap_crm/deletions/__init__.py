"""Tests of ``tap_crm.deletions``."""
