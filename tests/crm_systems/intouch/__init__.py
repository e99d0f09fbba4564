"""Tests of crm_systems/intouch."""
