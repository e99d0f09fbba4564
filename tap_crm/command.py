"""The command ``tap-crm``."""

from __future__ import annotations

import sys
from importlib import import_module

from tap_crm.described import Described

ALONE = ("--version", "--about")
"""What is told without loading any CRM, which takes twice as long."""


def main() -> None:
    """Runs the tap, or lets it say what it is."""
    tap = Described if sys.argv[1:] and sys.argv[1] in ALONE else import_module("tap_crm.tap").CrmTap
    tap.cli()
