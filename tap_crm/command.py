"""The command ``tap-crm``."""

from __future__ import annotations

import gc
import sys
from importlib import import_module

ALONE = ("--version", "--about")
"""What is told without loading any CRM, which takes twice as long."""


def main() -> None:
    """Runs the tap, or lets it say what it is."""
    # What is loaded stays: to look through it again and again for what can be freed takes a tenth of the time.
    gc.disable()
    if sys.argv[1:] and sys.argv[1] in ALONE:
        tap = import_module("tap_crm.described").DescribedTap
    else:
        tap = import_module("tap_crm.tap").CrmTap
    gc.freeze()
    gc.enable()
    tap.cli()
