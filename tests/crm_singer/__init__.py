"""What both commands share."""
