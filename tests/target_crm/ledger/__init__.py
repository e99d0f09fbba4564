"""Tests of ``target_crm.ledger``."""
