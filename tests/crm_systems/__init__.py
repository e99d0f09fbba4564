"""What single systems do beyond what all have in common."""
