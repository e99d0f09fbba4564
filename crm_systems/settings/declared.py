"""What can be set of every CRM, and the settings of all of them together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crm_systems.model import Setting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from crm_systems.system import System

_OF_EVERY_SYSTEM = (
    Setting("url", "url", "Address", "The CRM's base address, for example https://crm.example.com.", required=True),
    Setting(
        "requests_per_second",
        "number",
        "Requests per second",
        "At most so many requests a second, evenly spaced. Default: what the system bears.",
        minimum=0.01,
    ),
    Setting("page_size", "integer", "Page size", "Rows a request. Default: what the system hands out.", minimum=1),
    Setting(
        "parallel_requests",
        "integer",
        "Parallel requests",
        "How many requests may run at the same time. Default: what the system bears.",
        minimum=1,
        maximum=100,
    ),
    Setting(
        "timeout_seconds",
        "number",
        "Time-out",
        "Seconds to wait for the server before a request counts as failed.",
        default=60,
        minimum=0.1,
    ),
    Setting(
        "patience_seconds",
        "number",
        "Patience",
        "How many seconds to wait for a server that is away, each time it is, before the run ends.",
        default=300,
        minimum=0,
    ),
    Setting(
        "timezone",
        "timezone",
        "Time zone",
        "Time zone of the CRM's server, for systems that give times without one, for example Europe/Prague.",
    ),
    Setting(
        "user_agent", "string", "User agent", "How the connector introduces itself to the server.", default="tap-crm"
    ),
)
"""All but the one that says which system it is."""


def common_settings(systems: Iterable[type[System]]) -> tuple[Setting, ...]:
    """The settings that every connection has, whatever the system."""
    names = tuple(system.name for system in systems)
    words = f"Which CRM it is, one of {', '.join(names)}."
    system = Setting("system", "string", "System", words, required=True, choices=names)
    return (system, *_OF_EVERY_SYSTEM)


def connection_settings(systems: Sequence[type[System]]) -> tuple[Setting, ...]:
    """All settings that reach a CRM: the common ones and those of every system, each once."""
    found = {setting.name: setting for setting in common_settings(systems)}
    for system in systems:
        for setting in system.settings:
            found.setdefault(setting.name, _for_some(setting, systems))
    return tuple(found.values())


def _for_some(setting: Setting, systems: Sequence[type[System]]) -> Setting:
    """A system's setting as it stands among all others: its description says whose it is."""
    owners = {each.title: own for each in systems for own in each.settings if own.name == setting.name}
    words: dict[str, list[str]] = {}
    for title, own in owners.items():
        words.setdefault(own.description, []).append(title)
    return replace(
        setting,
        description=" ".join(f"{', '.join(titles)}: {text}" for text, titles in words.items()),
        required=False,
        default=setting.default if len(owners) == 1 else None,
        minimum=None,
    )


def json_schema(settings: Iterable[Setting]) -> dict[str, Any]:
    """The settings as a JSON Schema object; what is missing is said by :func:`load`, in words."""
    told = {setting.name: setting for setting in settings}
    properties = {name: setting.json_schema() for name, setting in told.items()}
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name, setting in told.items() if setting.required],
    }


def from_json_schema(properties: Mapping[str, Any]) -> tuple[Setting, ...]:
    """Settings that somebody else declared, as the properties of a JSON Schema."""
    return tuple(
        Setting(name, next(kind for kind in about["type"] if kind != "null"), name, about.get("description", ""))
        for name, about in properties.items()
    )
