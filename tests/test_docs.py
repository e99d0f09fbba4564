"""What the README and the documentation print can be copied."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from crm_systems import SYSTEMS
from crm_systems.settings import load
from tap_crm.options import OWN_SETTINGS as OF_TAP
from target_crm.options import OWN_SETTINGS as OF_TARGET
from target_crm.options import options_of, put_together
from tools.generate import COMMON, settings_table

if TYPE_CHECKING:
    from crm_systems.model import Setting

ROOT = Path(__file__).parent.parent
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *(page for each in ("docs", "examples") for page in sorted((ROOT / each).rglob("*.md"))),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_pipe_of_a_tap_sets_pipefail(page: Path) -> None:
    text = page.read_text("utf-8")
    for pipe in re.finditer(r"tap-crm --[^\n]*(\\\n[^\n]*)*\| *\$?\S*target", text, re.IGNORECASE):
        assert re.search(r"^\$? ?set -\w*o pipefail", text[: pipe.start()], re.MULTILINE)


def test_every_command_that_a_page_prints_is_run_by_a_test() -> None:
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py"))
    followed = {(ROOT / "docs" / page).resolve() for page in re.findall(r'follow\(\s*"(\S+\.md)"', tests)}
    for page in PAGES:
        blocks = re.findall(r"^```(\w*)([^\n]*)\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
        kinds = {kind for kind, title, _text in blocks if not title}
        assert page in followed or not kinds & {"console", "sh"}, page
        # What needs a cluster is `shell`; what has a title is a file.
        assert not kinds & {"", "text", "bash"}, page
        assert all(text.startswith("kubectl ") for kind, _title, text in blocks if kind == "shell"), page


@pytest.mark.parametrize("own", [OF_TAP, OF_TARGET])
def test_the_defaults_of_the_tables_may_be_copied(own: tuple[Setting, ...]) -> None:
    for system in SYSTEMS:
        shown = (*COMMON, *own, *system.settings)
        printed = dict(re.findall(r"^\| `(\w+)` \| `(.+?)` \|", settings_table(shown), re.MULTILINE))
        defaults = {each.name: each.default for each in shown if each.default is not None}
        loaded, problems = load({**printed, "system": system.name}, own, SYSTEMS)
        assert all("is missing" in each for each in problems)
        assert {name: loaded[name] for name in printed} == defaults


def test_the_settings_that_the_readme_shows_are_right() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    (log_in,) = re.findall(r"`(\{.+?\})`", text)
    _, problems = load(json.loads(log_in), OF_TAP, SYSTEMS)
    assert problems == []
    _, problems = load(json.loads(example), OF_TARGET, SYSTEMS)
    assert problems == []
    text = (ROOT / "docs/recipes/meltano.md").read_text("utf-8")
    (for_meltano,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    loaded, problems = load({**json.loads(example), **yaml.safe_load(for_meltano)}, OF_TARGET, SYSTEMS)
    assert problems == []
    assert loaded["owners"] == {"jan.novak": "Petr"}
    loaded["streams"] = put_together(loaded["streams"])
    assert loaded["streams"]["Calendar"] is None
    assert options_of(loaded, "people").fields == {"surname": "lastname", "e.mail": "email", "phone": None}


def test_each_guarantee_names_the_tests_that_carry_it() -> None:
    promised = (ROOT / "docs/guarantees.md").read_text("utf-8").partition("## What cannot be promised")[0]
    for guarantee in re.split(r"^\* ", promised, flags=re.MULTILINE)[1:]:
        named = re.findall(r"\[`(.+?)`\]", guarantee.partition("\n\n")[0].replace("`, `", "`] [`"))
        assert named, f"say in brackets which test carries this: {guarantee[:60]}"
        assert [name for name in named if not (ROOT / f"tests/{name}.py").is_file()] == []
