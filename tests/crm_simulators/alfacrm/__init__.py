"""Tests of the simulated alfaCRM."""
