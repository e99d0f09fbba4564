"""Tests of the proof, and a small part of it."""
