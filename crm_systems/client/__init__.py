"""All input and output. Only what is in here sends anything."""

from crm_systems.client.client import Client
from crm_systems.client.readers import Reading

__all__ = ["Client", "Reading"]
