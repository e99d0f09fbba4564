"""``python -m tests.two_ways --histories 300 --steps 60``: the whole proof of two ways; ``--pair`` chooses one."""

from __future__ import annotations

import argparse
import sys
import time

from tests.two_ways.machine import PAIRS
from tests.two_ways.proof import prove


def main() -> None:
    """Carries the histories out, and says how many held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=300, help="of each pair")
    parser.add_argument("--steps", type=int, default=60, help="of each history")
    parser.add_argument("--pair", choices=["-".join(pair) for pair in PAIRS], action="append")
    parser.add_argument("--seed", type=int, help="another one gives other histories")
    chosen = parser.parse_args()
    for pair in PAIRS:
        if not chosen.pair or "-".join(pair) in chosen.pair:
            began = time.monotonic()
            prove(pair, chosen.histories, chosen.steps, seed=chosen.seed)
            seconds = round(time.monotonic() - began)
            sys.stdout.write(f"{'-'.join(pair)}: {chosen.histories} histories of {chosen.steps} steps, {seconds} s\n")


if __name__ == "__main__":
    main()
