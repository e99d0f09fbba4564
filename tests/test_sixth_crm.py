"""A sixth CRM is a folder of its own and one line in the registry: it reads, writes and keeps the contract."""

from __future__ import annotations

import ast
import subprocess
import sys

from tools.generate import ROOT

CODE = ROOT / "tests/sixth_crm/system.py"
MOST_LINES = 120
COMMONS = {f"crm_systems.{each}" for each in ("decoding", "errors", "model", "paging", "rows", "system")}
LEFT_OUT = ["test_secrets.py"]
"""It starts commands of its own, which do not know the plugin."""
NEEDS_MORE = "not (total and then) and not falls_silent"
"""A server that filters by itself and says for ever that nothing is there cannot be told from an empty one."""


def test_it_takes_few_lines_and_only_what_all_crms_share() -> None:
    text = CODE.read_text("utf-8")
    assert len(text.splitlines()) < MOST_LINES
    imports = {str(each.module) for each in ast.walk(ast.parse(text)) if isinstance(each, ast.ImportFrom)}
    assert {name for name in imports if name.startswith("crm_systems")} == COMMONS


def test_it_is_read_and_written_and_keeps_the_contract() -> None:
    """In a process of its own, since the connectors and the tests ask the registry when they are imported."""
    ignored = [f"--ignore=tests/contract/{name}" for name in LEFT_OUT]
    plugins = ["-p", "tests.sixth_crm.registered", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-q", *plugins, "tests/sixth_crm/tour.py", "tests/contract", *ignored]
    done = subprocess.run(
        [*command, "-k", f"(tour or sixth) and {NEEDS_MORE}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
