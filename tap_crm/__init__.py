"""tap-crm: reads a CRM and writes Singer messages."""
