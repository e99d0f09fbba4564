"""Tests of ``target_crm.mapping``."""
