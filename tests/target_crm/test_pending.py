"""Records that wait for each other, whatever their order."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from target_crm.pending import Pending
from target_crm.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable


def waiting(pending: Pending, awaited: dict[str, str], written: list[str], rejected: list[str]) -> None:
    """Sets records aside each of which waits for another one."""

    def tries(name: str) -> Callable[[bool], None]:
        def retry(last_chance: bool) -> None:
            if awaited[name] in written:
                written.append(name)
            elif last_chance:
                rejected.append(name)
            else:
                pending.records.append(retry)

        return retry

    pending.records = [tries(name) for name in awaited]


@pytest.mark.parametrize("order", list(permutations("abcd")))
def test_what_waits_is_tried_as_long_as_that_helps(order: tuple[str, ...]) -> None:
    pending = Pending(pytest.fail, Report(title="CRM", dry_run=False, shows_records=False), pytest.fail)
    for_whom = {"a": "there", "b": "a", "c": "b", "d": "never comes"}
    written, rejected = ["there"], list[str]()
    waiting(pending, {name: for_whom[name] for name in order}, written, rejected)
    pending.finish()
    assert (written, rejected) == (["there", "a", "b", "c"], ["d"])
