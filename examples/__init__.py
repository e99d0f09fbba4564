"""What the connectors do, to be run and read."""
