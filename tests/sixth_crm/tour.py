"""What the Sixth CRM does from end to end; run by ``tests/test_sixth_crm.py``, once it is one of the CRMs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests import running
from tests.sixth_crm import SixthSimulator
from tests.target_crm import writing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def crm() -> Iterator[SixthSimulator]:
    with SixthSimulator(rows=120) as simulator:
        yield simulator


def test_it_is_read_in_full_and_then_what_was_changed(crm: SixthSimulator) -> None:
    catalog = running.discover(crm.config())
    first = running.run(crm.config(), catalog=catalog)
    assert (first.exit, len(first.records["people"])) == ("", 120)
    crm.change("people", 7, {"note": "changed meanwhile"})
    second = running.run(crm.config(), catalog=catalog, state=first.state)
    assert [(row["id"], row["note"]) for row in second.records["people"]] == [(7, "changed meanwhile")]
    assert not running.run(crm.config(), catalog=catalog, state=second.state).records["people"]


@pytest.mark.parametrize("identify_by", ["ledger", ["email"]], ids=["ledger", "match"])
def test_it_is_written_once_and_changed_where_something_changed(
    crm: SixthSimulator, tmp_path: Path, identify_by: str | list[str]
) -> None:
    def write(**values: Any) -> str:
        people = [{"key": number, "name": f"New {number}", "email": f"n{number}@x.org", **values} for number in (1, 2)]
        messages = writing.pipe("people", people, ["key"], owner=None)
        config = {**crm.config(), "ledger_url": f"sqlite:///{tmp_path}/ledger", "identify_by": identify_by}
        result = writing.run(config, messages)
        assert result.exit == ""
        return result.line("people").partition(": ")[2]

    assert [write(), write(), write(note="more"), write(note="more")] == [
        "2 create",
        "2 unchanged",
        "2 update",
        "2 unchanged",
    ]
    assert [row["note"] for row in crm.records("people")[120:]] == ["more", "more"]
