"""Tests of target-crm."""
