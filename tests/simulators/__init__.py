"""One stateful, strict HTTP server a CRM, on a real socket: ``python -m tests.simulators vtiger --port 8080``."""
