"""Writes what follows from the code: settings, the table of systems, the plan of the house."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from crm_systems import SYSTEMS
from crm_systems.model import TEXTS
from tap_crm.tap import CrmTap
from target_crm.target import CrmTarget
from tools import house

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent
PLUGINS = (CrmTap, CrmTarget)


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
    if "object" in types and about.get("additionalProperties") == TEXTS:
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


def readme(text: str) -> str:
    """The README with its generated parts."""
    text = _between(text, "systems", systems_table())
    for plugin in PLUGINS:
        text = _between(text, f"{plugin.name} settings", settings_table(plugin))
    return text


def _between(text: str, name: str, content: str) -> str:
    pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
    return re.sub(pattern, lambda found: f"{found[1]}{content}\n{found[2]}", text, flags=re.DOTALL)


def settings_table(plugin: type[CrmTap | CrmTarget]) -> str:
    """A plugin's own settings as a Markdown table; those that every SDK plugin has are left out."""
    lines = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for name, about in plugin.config_jsonschema["properties"].items():
        if name.startswith(("stream_map", "faker_", "flattening_")):
            continue
        default = "" if about.get("default") is None else f"`{_as_written(about['default'])}`"
        secret = " *(secret)*" if about.get("secret") else ""
        lines.append(f"| `{name}` | {default} | {about.get('description', '')}{secret} |")
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


GENERATED: dict[str, Callable[[str], str]] = {
    "meltano.yml": meltano_yml,
    "README.md": readme,
    "docs/house.svg": lambda _text: house.svg(),
}
"""File names in the project and what brings each up to date."""


def main() -> None:
    """Brings every generated part up to date."""
    for name, generate in GENERATED.items():
        path = ROOT / name
        path.write_text(generate(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
