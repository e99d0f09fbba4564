"""What a real Meltano makes of the settings, from its file, by its command and from the environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from crm_systems import SYSTEMS
from crm_systems.settings import load
from tap_crm.tap import CrmTap
from target_crm.options import OWN_SETTINGS, options_of, put_together
from target_crm.target import CrmTarget
from tests.target_crm.writing import pipe, stored
from tests.target_crm.writing import settings as of_target
from tools.generate import ROOT, meltano_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulators.vtiger import VtigerSimulator

    Start = Callable[..., VtigerSimulator]

MELTANO = ROOT / ".venv-meltano" / "bin" / "meltano"
OWNERS = {"jan.novak": "Petr", "eva": "19x1"}
TIES = {"opportunities.stage": "_opStage"}
FIELDS = {"surname": "lastname", "phone": None, "e.mail": "email"}
SAFE: dict[str, Any] = {
    "owners": [OWNERS],
    "code_lists": [TIES],
    "streams": {"people": {"entity": "Contacts", "fields": [FIELDS]}, "gone": "__NULL__"},
}
"""The spelling that the README gives for Meltano."""


def project(folder: Path, config: dict[str, Any], *, child: dict[str, Any] | None = None) -> None:
    """A Meltano project with both plugins, and where ``child`` is given with one that inherits from the target."""

    def plugin(kind: type[CrmTap | CrmTarget], config: dict[str, Any]) -> dict[str, Any]:
        where = {"namespace": kind.name.replace("-", "_"), "executable": str(Path(sys.executable).with_name(kind.name))}
        return {"name": kind.name, **where, "settings": meltano_settings(kind), "config": config}

    heir = {"name": "target-crm--eu", "inherit_from": "target-crm", "config": child}
    loaders = [plugin(CrmTarget, config), *([heir] if child is not None else [])]
    plugins = {"extractors": [plugin(CrmTap, {})], "loaders": loaders}
    text = json.dumps({"send_anonymous_usage_stats": False, "project_id": "t", "environments": [], "plugins": plugins})
    (folder / "meltano.yml").write_text(yaml.safe_dump(json.loads(text), sort_keys=False, allow_unicode=True), "utf-8")


def meltano(folder: Path, *arguments: str, lines: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs Meltano in a project."""
    assert MELTANO.exists(), "`make .venv-meltano/ready` installs Meltano"
    return subprocess.run(
        [MELTANO, *arguments],
        cwd=folder,
        input=lines,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


def passed(folder: Path, plugin: str = "target-crm", **environment: str) -> dict[str, Any]:
    """The configuration that Meltano writes for a plugin."""
    done = meltano(folder, "invoke", "--dump=config", plugin, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def means_the_same(config: dict[str, Any]) -> None:
    """Holds where a configuration means what :data:`SAFE` does."""
    loaded, problems = load({**config, "system": "intouch"}, OWN_SETTINGS, SYSTEMS)
    assert all("is missing" in each for each in problems), problems
    loaded["streams"] = put_together(loaded["streams"])
    assert loaded["owners"] == OWNERS
    assert loaded["code_lists"] == TIES
    assert loaded["streams"]["gone"] is None
    options = options_of({**loaded, "identify_by": "id"}, "people")
    assert (options.entity, options.fields) == ("Contacts", FIELDS)


def test_objects_survive_the_file_and_are_inherited(tmp_path: Path) -> None:
    project(tmp_path, SAFE, child={"default_owner": "admin"})
    means_the_same(passed(tmp_path, "target-crm--eu"))


def test_objects_numbers_and_yes_and_no_survive_the_environment(tmp_path: Path) -> None:
    project(tmp_path, {})
    plain = {"TIMEOUT_SECONDS": "30", "REQUESTS_PER_SECOND": "2.5", "SETTLE_SECONDS": "1.5", "MAX_REJECTS": "-1"}
    plain |= {"REJECTS_PATH": "r", "DRY_RUN": "ture", "INCLUDE_ARCHIVED": "off"}
    plain |= {name.upper(): json.dumps(each) for name, each in SAFE.items()}
    found = passed(tmp_path, **{f"TARGET_CRM_{name}": each for name, each in plain.items()})
    loaded, problems = load({**found, "system": "alfacrm"}, OWN_SETTINGS, SYSTEMS)
    assert (loaded["timeout_seconds"], loaded["requests_per_second"], loaded["settle_seconds"]) == (30, 2.5, 1.5)
    assert (loaded["max_rejects"], loaded["include_archived"]) == (-1, False)
    assert [each for each in problems if "missing" not in each] == ['`dry_run` must be true or false, not "ture".']
    means_the_same({**found, "dry_run": "true"})


def test_objects_survive_the_command(tmp_path: Path) -> None:
    project(tmp_path, {"code_lists": SAFE["code_lists"]})
    for name in ("owners", "streams"):
        assert meltano(tmp_path, "config", "set", "target-crm", name, json.dumps(SAFE[name])).returncode == 0
    means_the_same(passed(tmp_path))


def test_the_tap_takes_numbers_from_the_environment_and_defaults(tmp_path: Path) -> None:
    project(tmp_path, {})
    found = passed(tmp_path, "tap-crm", TAP_CRM_TIMEOUT_SECONDS="30", TAP_CRM_LOOKBACK_SECONDS="90")
    assert (found["timeout_seconds"], found["lookback_seconds"]) == ("30", "90")
    loaded, _ = load({**found, "system": "intouch"}, (), SYSTEMS)
    assert loaded["code_lists"] == {"parties.enteredFrom": "_enf"}


PERSON = {"id": "1", "surname": "Nova", "phone": "123", "e.mail": "nova@example.com"}


def test_a_field_that_is_left_out_stays_out(vtiger: Start, tmp_path: Path) -> None:
    crm = vtiger()
    more = {"identify_by": ["email"], "default_owner": "admin", "streams": SAFE["streams"]}
    project(tmp_path, of_target(crm, tmp_path, **more))
    lines = "".join(json.dumps(each) + "\n" for each in pipe("people", [PERSON], owner=None))
    done = meltano(tmp_path, "invoke", "target-crm", lines=lines)
    assert done.returncode == 0, done.stderr
    (written,) = stored(crm, "Contacts", email="nova@example.com")
    assert (written["lastname"], written["phone"]) == ("Nova", "")


NESTED = {"people": {"entity": "Contacts", "fields": FIELDS}, "others": {"fields": {"phone": None}}}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (
            {"streams": NESTED, "dry_runn": True},
            [
                "`streams` came without ",
                "people.fields.phone",
                "others.fields.phone",
                ": Meltano",
                "There is no setting `dry_runn`; did you mean `dry_run`?",
            ],
        ),
        (
            {"streams": json.dumps({"people": {"fields": {"e.mail": "email"}}})},
            ["`streams` came without people.fields.e.mail"],
        ),
    ],
    ids=["nested and misspelt", "text"],
)
def test_what_does_not_arrive_stops_the_run(
    vtiger: Start, tmp_path: Path, config: dict[str, Any], words: list[str]
) -> None:
    crm = vtiger()
    project(tmp_path, of_target(crm, tmp_path, identify_by=["email"], default_owner="admin", **config))
    done = meltano(tmp_path, "invoke", "target-crm")
    assert done.returncode == 1
    assert [each for each in words if each not in done.stderr] == []
    assert crm.calls == []
