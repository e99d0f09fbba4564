"""Writes what follows from the code: settings, systems, the plan of the house, the plugins for Meltano and its Hub."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from crm_systems import SYSTEMS
from crm_systems.model import A_TEXT
from crm_systems.settings import common_settings, connection_settings, json_schema
from tap_crm.options import OWN_SETTINGS as OF_TAP
from tap_crm.tap import CrmTap
from target_crm.options import OWN_SETTINGS as OF_TARGET
from target_crm.target import CrmTarget
from tools import house

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from crm_systems.model import Setting

ROOT = Path(__file__).parent.parent
REPOSITORY = "https://github.com/crm-singer/tap-crm"
PLUGINS = (CrmTap, CrmTarget)
COMMON = common_settings(SYSTEMS)


def meltano_settings(plugin: type[CrmTap | CrmTarget]) -> list[dict[str, Any]]:
    """A plugin's settings as meltano.yml lists them, in the order of ``--about``."""
    schema = plugin.config_jsonschema
    plugin.append_builtin_config(schema)
    return [_meltano_setting(name, about) for name, about in schema["properties"].items()]


def _meltano_setting(name: str, about: dict[str, Any]) -> dict[str, Any]:
    setting: dict[str, Any] = {"name": name, "label": about.get("title", name), "kind": _kind(about)}
    if about.get("enum"):
        setting["kind"] = "options"
        setting["options"] = [{"value": value, "label": value} for value in about["enum"] if value is not None]
    if about.get("format") == "date-time":
        setting["kind"] = "date_iso8601"
    if about.get("secret"):
        setting["sensitive"] = True
    if about.get("default") is not None:
        setting["value"] = _as_written(about["default"]) if "object" in about.get("type", ()) else about["default"]
    if "description" in about:
        setting["description"] = about["description"]
    return setting


def _kind(about: dict[str, Any]) -> str:
    """What Meltano must know of a setting, and no more, so that what it does not understand reaches the connector.

    It fails on a number from the environment (`decimal`), takes any text but a few for false (`boolean`), and drops
    names that hold a period from an object, but leaves a text alone. Of an `object` it tells what it dropped.
    """
    types = about.get("type", [])
    if "object" in types and about.get("additionalProperties") == A_TEXT:
        return "string"
    return next((kind for kind in ("array", "object") if kind in types), "string")


def _as_written(value: Any) -> str:
    """A value as one writes it in a configuration."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def meltano_yml(text: str) -> str:
    """meltano.yml with the settings and capabilities of both plugins; all else stays as it is."""
    project = yaml.safe_load(text)
    head = text[: text.index("send_anonymous")]
    plugins = {each["name"]: each for each in (*project["plugins"]["extractors"], *project["plugins"]["loaders"])}
    for plugin in PLUGINS:
        plugins[plugin.name]["capabilities"] = [each.value for each in plugin.capabilities]
        plugins[plugin.name]["settings"] = meltano_settings(plugin)
    plain = json.loads(json.dumps(project, default=str))
    return head + str(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=110))


def hub_yml(plugin: type[CrmTap | CrmTarget]) -> str:
    """A plugin as MeltanoHub wants it: what a meltano.yml needs, and how it is shown and grouped there."""
    about = {
        "name": plugin.name,
        "namespace": plugin.name.replace("-", "_"),
        "variant": "crm-singer",
        "label": "CRM (Vtiger, Simply CRM, alfaCRM, InTouch CRM, Egito)",
        "description": "CRM systems that nobody else serves well",
        "definition": "reads and types what the CRM holds"
        if plugin is CrmTap
        else "writes into the CRM, each record once",
        "logo_url": "https://raw.githubusercontent.com/crm-singer/tap-crm/main/docs/logo.svg",
        "domain_url": "https://crm-singer.github.io/tap-crm/",
        "docs": "https://crm-singer.github.io/tap-crm/settings.html",
        "repo": REPOSITORY,
        "pip_url": plugin.name,
        "executable": plugin.name,
        "maintenance_status": "active",
        # The Hub's maintainers rate it.
        "quality": "unknown",
        "keywords": ["api", "crm", "meltano_sdk", *(system.name for system in SYSTEMS)],
        "capabilities": [each.value for each in plugin.capabilities],
        "settings_group_validation": needed(),
        "settings": meltano_settings(plugin),
    }
    return str(yaml.safe_dump(json.loads(json.dumps(about)), sort_keys=False, allow_unicode=True, width=110))


def needed() -> list[list[str]]:
    """The settings that log in, once for each set of them that some system wants."""
    always = [each.name for each in COMMON if each.required]
    sets = [[*always, *(each.name for each in system.settings if each.required)] for system in SYSTEMS]
    return [names for at, names in enumerate(sets) if names not in sets[:at]]


def readme(text: str) -> str:
    """The README with its generated part."""
    return _between(text, "systems", systems_table())


def settings_page(text: str) -> str:
    """docs/settings.md: each setting once, under the system or the connector that has it."""
    of_systems = (f"### {system.title}\n\n{settings_table(system.settings)}" for system in SYSTEMS)
    text = _between(text, "log-in", log_in_table())
    text = _between(text, "of every system", settings_table(COMMON))
    text = _between(text, "of one system", "\n\n".join(of_systems))
    text = _between(text, "of tap-crm", settings_table(OF_TAP))
    return _between(text, "of target-crm", settings_table(OF_TARGET))


def _between(text: str, name: str, content: str) -> str:
    pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
    return re.sub(pattern, lambda found: f"{found[1]}\n{content}\n\n{found[2]}", text, flags=re.DOTALL)


def settings_table(settings: Iterable[Setting]) -> str:
    """Settings as a Markdown table."""
    lines = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for each in settings:
        default = "" if each.default is None else f"`{_as_written(each.default)}`"
        marks = " *(required)*" * each.required + " *(secret)*" * each.secret
        lines.append(f"| `{each.name}` | {default} | {each.description}{marks} |")
    return "\n".join(lines)


def log_in_table() -> str:
    """What each system needs to log in."""
    lines = ["| system | `system` | beside `url` |", "| --- | --- | --- |"]
    for system in SYSTEMS:
        names = ", ".join(f"`{each.name}`" for each in system.settings if each.required)
        lines.append(f"| [{system.title}](systems/{system.name}.md) | `{system.name}` | {names} |")
    return "\n".join(lines)


def systems_table() -> str:
    """Every system with what works, from the registry."""
    lines = [
        "| system | `system` | reads | changes only | deletions | writes |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for system in SYSTEMS:
        page = f"[{system.title}](docs/systems/{system.name}.md)"
        told = system.abilities
        lines.append(f"| {page} | `{system.name}` | {told.reads} | {told.changes} | {told.deletions} | {told.writes} |")
    return "\n".join(lines)


def settings_json(own: Iterable[Setting]) -> str:
    """The settings of a connector, for ``--about``, which loads no CRM."""
    return json.dumps(json_schema((*connection_settings(SYSTEMS), *own)), ensure_ascii=False, indent=1) + "\n"


GENERATED: dict[str, Callable[[str], str]] = {
    "meltano.yml": meltano_yml,
    "README.md": readme,
    "docs/settings.md": settings_page,
    "docs/hub/tap-crm.yml": lambda _: hub_yml(CrmTap),
    "docs/hub/target-crm.yml": lambda _: hub_yml(CrmTarget),
    "tap_crm/settings.json": lambda _: settings_json(OF_TAP),
    "target_crm/settings.json": lambda _: settings_json(OF_TARGET),
    "docs/house.svg": lambda _text: house.svg(),
}
"""File names in the project and what brings each up to date."""


def main() -> None:
    """Brings every generated part up to date."""
    for name, generate in GENERATED.items():
        path = ROOT / name
        path.write_text(generate(path.read_text("utf-8") if path.exists() else ""), "utf-8")


if __name__ == "__main__":
    main()
