"""All input and output. Only what is in here sends anything."""

from crm_systems.client.client import Client

__all__ = ["Client"]
