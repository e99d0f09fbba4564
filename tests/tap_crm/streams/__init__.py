"""Tests of ``tap_crm.streams``."""
