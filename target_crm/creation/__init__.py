"""Creates a record exactly once."""
