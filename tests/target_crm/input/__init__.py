"""Tests of ``target_crm.input``."""
