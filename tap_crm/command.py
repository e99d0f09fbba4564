"""The command ``tap-crm``."""

from __future__ import annotations

import gc
import sys
from importlib import import_module

from tap_crm.described import DescribedTap

ALONE = ("--version", "--about")
"""What is told without loading any CRM, which takes twice as long."""


def main() -> None:
    """Runs the tap, or lets it say what it is."""
    if sys.argv[1:] and sys.argv[1] in ALONE:
        DescribedTap.cli()
    else:
        tap = import_module("tap_crm.tap").CrmTap
        # What is loaded stays: to look through it again and again for what can be freed takes a tenth of the time.
        gc.freeze()
        tap.cli()
