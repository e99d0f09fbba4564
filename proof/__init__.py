"""``make proof``: nothing lost, nothing doubled, shown on thousands of runs that go wrong in every way we know."""
