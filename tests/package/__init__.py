"""Tests of what is published; run by ``make package``, which builds it."""
