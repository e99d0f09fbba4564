"""``crm-simulator vtiger --rows 1000``: a simulated CRM to try the connectors on."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time

from crm_simulators import SIMULATORS
from crm_singer.terminal import handing_on, speak_utf8

LAST_PORT = 65535


def main() -> None:
    """Prints the settings that log in at a simulator and serves until it is interrupted."""
    for interruption in (signal.SIGINT, signal.SIGTERM):
        signal.signal(interruption, lambda *_: sys.exit(0))
    arguments = _arguments()
    try:
        simulator = SIMULATORS[arguments.system](rows=arguments.rows, flavour=arguments.flavour)
        if arguments.deletions:
            simulator.tell_deletions()
        simulator.start(arguments.port)
    except ValueError as error:
        sys.exit(f"crm-simulator: {error}.")
    except OSError as error:
        sys.exit(f"crm-simulator: port {arguments.port} cannot be used ({error.strerror}): choose another `--port`.")
    with simulator:
        speak_utf8("crm-simulator")
        with handing_on("crm-simulator"):
            print(json.dumps(simulator.config(), indent=2), flush=True)
        while True:
            time.sleep(3600)  # an event would not let Windows interrupt


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="crm-simulator", description="A simulated CRM: prints the settings that log in there and serves."
    )
    parser.add_argument("system", choices=sorted(SIMULATORS))
    parser.add_argument("--port", type=int, default=8080, metavar="PORT", help="0: any free one (default: 8080)")
    parser.add_argument("--rows", type=int, default=1000, help="records of the largest entity (default: 1000)")
    parser.add_argument("--flavour", help="which variant of the server; a wrong one lists them")
    parser.add_argument("--deletions", action="store_true", help="Vtiger tells them, as where `syncType` is registered")
    arguments = parser.parse_args()
    if not 0 <= arguments.port <= LAST_PORT:
        parser.error(f"--port must be from 0 to {LAST_PORT}")
    if arguments.rows < 0:
        parser.error("--rows must not be negative")
    return arguments


if __name__ == "__main__":
    main()
