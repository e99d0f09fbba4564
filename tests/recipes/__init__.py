"""The recipes of the documentation, run as printed; what needs PostgreSQL by ``make recipes``."""
