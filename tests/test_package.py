"""What is published agrees with itself: versions, and the plugins as Meltano and its Hub want them."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from crm_systems import SYSTEMS
from crm_systems.settings import load
from tap_crm.options import OWN_SETTINGS
from tools.generate import GENERATED, ROOT, needed

PLUGINS = ("tap-crm", "target-crm")
# By the JSON schemas in https://github.com/meltano/hub/tree/main/schemas.
REQUIRED = {"name", "namespace", "variant", "label", "quality"}
KNOWN = REQUIRED | {"description", "definition", "logo_url", "domain_url", "docs", "repo", "pip_url", "executable"}
KNOWN |= {"maintenance_status", "keywords", "capabilities", "settings_group_validation", "settings"}
OF_A_SETTING = {"name", "label", "kind", "description", "value", "options", "sensitive"}
KINDS = {"date_iso8601", "integer", "options", "object", "array", "boolean", "string"}


def first(pattern: str, path: str) -> str:
    """What a pattern finds first in a file."""
    (found, *_) = re.findall(pattern, (ROOT / path).read_text("utf-8"), re.MULTILINE)
    return str(found)


def test_both_packages_have_the_same_version() -> None:
    version = first(r'^version = "(.+)"$', "pyproject.toml")
    assert first(r'^version = "(.+)"$', "packaging/target-crm/pyproject.toml") == version
    assert first(r'"tap-crm==(.+?)"', "packaging/target-crm/pyproject.toml") == version
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.parametrize("name", PLUGINS)
def test_the_hub_takes_the_definition(name: str) -> None:
    plugin = yaml.safe_load(GENERATED[f"docs/hub/{name}.yml"](""))
    assert plugin.keys() >= REQUIRED
    assert plugin.keys() <= KNOWN
    assert plugin["maintenance_status"] in {"active", "beta", "development", "inactive", "unknown"}
    assert plugin["quality"] in {"gold", "silver", "bronze", "unknown"}
    names = [setting["name"] for setting in plugin["settings"]]
    assert len(names) == len(set(names))
    for setting in plugin["settings"]:
        assert setting.keys() <= OF_A_SETTING
        assert setting["kind"] in KINDS
        assert all(isinstance(each["value"], str) for each in setting.get("options", ()))
    for group in plugin["settings_group_validation"]:
        assert set(group) <= set(names)
    assert (ROOT / plugin["logo_url"].partition("/main/")[2]).is_file()


def test_the_hub_asks_for_what_logs_in() -> None:
    example = {"url": "https://crm.example.com"}
    for system in SYSTEMS:
        enough = [
            group
            for group in needed()
            if not load({**dict.fromkeys(group, "x"), **example, "system": system.name}, OWN_SETTINGS, SYSTEMS)[1]
        ]
        assert enough, system.name


def test_the_plugins_to_copy_name_packages_and_every_system_has_one() -> None:
    project: dict[str, Any] = yaml.safe_load((ROOT / "meltano.yml").read_text("utf-8"))
    plugins = {each["name"]: each for kind in project["plugins"].values() for each in kind}
    assert {name: plugins[name]["pip_url"] for name in PLUGINS} == {name: name for name in PLUGINS}
    heirs = {each["config"]["system"] for each in plugins.values() if each.get("inherit_from") == "tap-crm"}
    assert heirs == {system.name for system in SYSTEMS}
