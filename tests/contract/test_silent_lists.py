"""Where a part of an entity's lists falls silent, as when half of a user's rights are taken away, it is not the end."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from crm_simulators.base import Answer
from tests.contract.test_shrinking_lists import LIES, Liar, config_of, ids
from tests.running import discover, only
from tests.running import run as read

if TYPE_CHECKING:
    from crm_simulators.base import Call, Simulator
    from tests.contract.subjects import Subject

ROWS = 45


def place_of(call: Call) -> str:
    """Which list is asked for, whatever the page."""
    return f"{call.path} {call.query.get('type', '')}"


class Silenced(Liar):
    """Makes a simulator answer one list empty from a request on, or count how often each is asked for with success."""

    def __init__(self, simulator: Simulator, place: str = "", first: int = 0) -> None:
        super().__init__(simulator, LIES["a total of zero"], first, forever=True)
        self.place = place
        self.given: Counter[str] = Counter()

    def answer(self, call: Call) -> Answer:
        """What the simulator answers, or nothing."""
        if place_of(call) == self.place:
            return super().answer(call)
        answer = type(self.simulator).answer(self.simulator, call)
        told = json.loads(answer.body, strict=False) if answer.body.startswith((b"{", b"[")) else {}
        self.given[place_of(call)] += bool(told if isinstance(told, list) else told.get("items") or told.get("list"))
        return answer


class Missing(Silenced):
    """Does not find one list any more from a request on."""

    def answer(self, call: Call) -> Answer:
        """What the simulator answers, or HTTP 404."""
        if place_of(call) != self.place:
            return super().answer(call)
        self.asked += 1
        is_missing = self.asked >= self.first
        return Answer(b'{"status": 404}', 404) if is_missing else type(self.simulator).answer(self.simulator, call)


def test_a_list_that_falls_silent_fails_the_stream(subject: Subject) -> None:
    with subject.start(ROWS) as crm:
        config = config_of(subject, crm)
        catalog = only(discover(config), subject.entity)

        def through(silenced: Silenced) -> Silenced:
            crm.answer = silenced.answer
            return silenced

        counted = through(Silenced(crm))
        expected = ids(read(config, catalog=catalog).records[subject.entity])
        for place, times in counted.given.items():
            for first in range(2, times + 1):
                through(Silenced(crm, place, first))
                result = read(config, catalog=catalog)
                where = f"request {first} of {times} for {place}"
                assert result.exit or ids(result.records[subject.entity]) == expected, where


def test_a_list_that_was_there_is_not_left_out(subject: Subject) -> None:
    with subject.start(ROWS) as crm:
        config = config_of(subject, crm)
        counted = Silenced(crm)
        crm.answer = counted.answer
        expected = ids(read(config).records[subject.entity])
        for place, times in counted.given.items():
            for first in sorted({2, 3, times // 2, times} & {*range(2, times + 1)}):
                crm.answer = Missing(crm, place, first).answer
                result = read(config)
                where = f"request {first} of {times} for {place}"
                assert result.exit or ids(result.records.get(subject.entity, [])) == expected, where
