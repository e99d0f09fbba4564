"""Vtiger's settings: the credentials, which are Simply CRM's, too."""

from __future__ import annotations

from crm_systems.model import Setting

SETTINGS = (
    Setting("username", "string", "User name", "The user's login name.", required=True),
    Setting(
        "access_key",
        "string",
        "Access key",
        "The Access Key from the user's My Preferences page; it is not the password.",
        required=True,
        secret=True,
    ),
)
