"""target-crm: reads Singer messages and writes them into a CRM."""
