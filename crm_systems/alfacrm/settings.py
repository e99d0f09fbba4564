"""alfaCRM's settings: the credentials, and which lists are read."""

from __future__ import annotations

from crm_systems.model import Setting

SETTINGS = (
    Setting("email", "string", "E-mail", "The e-mail address of the CRM user.", required=True),
    Setting("api_key", "string", "API key", "The user's v2api key, from the profile.", required=True, secret=True),
    Setting("app_key", "string", "App key", "Sent as X-APP-KEY, for tenants that demand one.", secret=True),
    Setting(
        "branches",
        "numbers",
        "Branches",
        "Ids of the branches to read and write. Default: all active ones; a warning names the others.",
    ),
    Setting(
        "include_archived",
        "boolean",
        "Include archived",
        "Read archived clients, leads, groups and teachers as well.",
        default=True,
    ),
    Setting(
        "sub_lists",
        "array",
        "Sub-lists",
        "Entities to offer although they cost a request for each client: customer_tariff, communication.",
    ),
)
