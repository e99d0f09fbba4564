"""Tests of the simulated InTouch."""
