"""What the commands say of themselves is the same as what they do, and told without loading it."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from typing import Any

import pytest

from tap_crm.described import DescribedTap
from tap_crm.tap import CrmTap
from target_crm.described import DescribedTarget
from target_crm.target import CrmTarget

UNUSED = ("crm_systems", "msgspec", "sqlalchemy", "tap_crm.tap", "target_crm.target")
SCRIPT = """
import json, sys
from {package}.command import main
try:
    main()
except SystemExit:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize("package", ["tap_crm", "target_crm"])
@pytest.mark.parametrize("option", ["--version", "--about"])
def test_what_is_not_needed_is_not_loaded(package: str, option: str) -> None:
    command = [sys.executable, "-c", SCRIPT.format(package=package), option]
    told = subprocess.run(command, capture_output=True, check=True, text=True)
    assert version("tap-crm") in told.stdout
    loaded = json.loads(told.stderr.splitlines()[-1])
    assert "singer_sdk" in loaded
    assert [name for name in UNUSED if name in loaded] == []


def test_no_database_is_loaded_before_one_is_wanted() -> None:
    command = [sys.executable, "-c", "import sys, tap_crm.tap; print('sqlalchemy' in sys.modules)"]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == "False\n"


@pytest.mark.parametrize(("light", "whole"), [(DescribedTap, CrmTap), (DescribedTarget, CrmTarget)])
def test_both_say_the_same(light: Any, whole: Any) -> None:
    assert light._get_about_info() == whole._get_about_info()
