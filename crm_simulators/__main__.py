"""``python -m crm_simulators vtiger --port 8080 --rows 1000``: a simulated CRM to try the connectors on."""

from __future__ import annotations

import argparse
import json
import signal
import sys

from crm_simulators import SIMULATORS


def main() -> None:
    """Runs one simulator until it is interrupted and prints the settings that log in there."""
    parser = argparse.ArgumentParser(prog="python -m crm_simulators", description=__doc__)
    parser.add_argument("system", choices=sorted(SIMULATORS))
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--rows", type=int, default=1000, help="how many records the largest entity holds")
    parser.add_argument("--flavour", help="which variant of the server; a wrong one lists them")
    arguments = parser.parse_args()
    simulator = SIMULATORS[arguments.system](rows=arguments.rows, flavour=arguments.flavour)
    with simulator.start(arguments.port):
        sys.stdout.write(json.dumps(simulator.config(), indent=2) + "\n")
        sys.stdout.flush()
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
