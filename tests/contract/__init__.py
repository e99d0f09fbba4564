"""What every system keeps to."""
