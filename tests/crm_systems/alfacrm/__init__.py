"""Tests of crm_systems/alfacrm."""
