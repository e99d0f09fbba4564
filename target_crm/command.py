"""The command ``target-crm``."""

from __future__ import annotations

import gc
import sys
from importlib import import_module

from target_crm.described import DescribedTarget

ALONE = ("--version", "--about")
"""What is told without loading any CRM or database, which takes twice as long."""


def main() -> None:
    """Runs the target, or lets it say what it is."""
    # What is loaded stays: to look through it again and again for what can be freed takes time.
    gc.disable()
    target = DescribedTarget if sys.argv[1:] and sys.argv[1] in ALONE else import_module("target_crm.target").CrmTarget
    gc.freeze()
    gc.enable()
    target.cli()
