"""Tests of crm_systems/vtiger."""
