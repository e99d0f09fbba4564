"""Tests of ``target_crm.report``."""
