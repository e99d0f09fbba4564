"""Tests of the simulated Vtiger."""
