"""Companies, people and deals move from every CRM to every other with the settings in ``examples/any_to_any``."""

from __future__ import annotations

import pytest

from tools.pairs import PAIRS, TABLE, line, move


@pytest.mark.parametrize(("source", "destination"), PAIRS)
def test_records_move_and_a_second_run_writes_nothing(source: str, destination: str) -> None:
    moved = move(source, destination)
    assert sum(each.created for each in moved.values()) > 0
    assert [kind for kind, each in moved.items() if each.written_again] == []
    assert line(source, destination, moved) in TABLE.read_text("utf-8"), "run `python -m tools.pairs`"
