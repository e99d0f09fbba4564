"""Tests of ``tap_crm.state``."""
