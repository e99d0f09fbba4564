"""The command ``target-crm``."""

from __future__ import annotations

import sys
from importlib import import_module

from target_crm.described import DescribedTarget

ALONE = ("--version", "--about")
"""What is told without loading any CRM or database, which takes twice as long."""


def main() -> None:
    """Runs the target, or lets it say what it is."""
    target = DescribedTarget if sys.argv[1:] and sys.argv[1] in ALONE else import_module("target_crm.target").CrmTarget
    target.cli()
