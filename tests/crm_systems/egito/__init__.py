"""Tests of crm_systems/egito."""
