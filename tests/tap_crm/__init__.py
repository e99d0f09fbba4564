"""tap-crm on the Vtiger family: what it reads, what it says, what it survives."""
