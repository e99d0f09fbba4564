"""Tests that need a Chromium."""
