"""Tests of the simulated Egito."""
