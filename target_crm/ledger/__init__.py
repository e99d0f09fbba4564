"""What earlier runs wrote into a CRM, and what they were about to write."""
