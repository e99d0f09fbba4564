"""Carries out histories."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test

from tests.two_ways.machine import History


def prove(pair: tuple[str, str], histories: int, steps: int, *, seed: int | None = None) -> None:
    """Carries out histories of a pair, each time the same ones for a seed.

    Raises:
        AssertionError: something was lost, doubled, echoed or made up.
    """
    machine = type("".join(name.title() for name in pair), (History,), {"pair": pair})
    run_state_machine_as_test(
        seeded(seed or 0)(machine),
        settings=settings(
            max_examples=histories,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
