"""Tests of crm_simulators."""
