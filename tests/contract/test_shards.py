"""Several machines, each of which reads a shard: together they bring everything, each record once."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from crm_systems.model import shards as parts
from tests.contract.subjects import Subject, records
from tests.running import discover, run
from tests.target_crm.writing import record, schema
from tests.target_crm.writing import run as write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crm_simulators.base import Simulator

OF = 3
BESIDE = {"picklists", "fields"}


@pytest.fixture
def crm(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    monkeypatch.setattr(parts, "BLOCK", 7)
    with subject.start(60) as simulator:
        yield simulator


def shards(config: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**config, "shard": f"{number}/{OF}"} for number in range(1, OF + 1)]


def add(subject: Subject, config: dict[str, Any], folder: Path, number: int) -> None:
    values = {"key": f"k{number}", **subject.values(number)}
    settings = {**config, "ledger_url": f"sqlite:///{folder}/ledger.sqlite", "identify_by": "ledger"}
    settings.pop("entities")
    written = write(settings, [schema(subject.entity, values, ["key"]), record(subject.entity, **values)])
    assert written.exit == ""


def test_the_union_of_all_shards_is_the_whole(subject: Subject, crm: Simulator) -> None:
    config = subject.config(crm)
    catalog = discover(config)
    whole = run(config, catalog=catalog)
    assert whole.exit == ""
    parts = [run(each, catalog=catalog) for each in shards(config)]
    assert [part.exit for part in parts] == [""] * OF
    for stream, rows in whole.records.items():
        together = [json.dumps(row, default=str) for part in parts for row in part.records[stream]]
        assert Counter(together) == Counter(json.dumps(row, default=str) for row in rows), stream
    assert all(not BESIDE & part.records.keys() for part in parts[1:]), "what is told once, the first tells"
    has_enough = len(whole.records.keys() - BESIDE) >= OF
    assert not has_enough or all(any(part.records.values()) for part in parts), "each has its share"


def test_what_is_added_between_comes_once(subject: Subject, crm: Simulator, tmp_path: Path) -> None:
    config = {**subject.config(crm), "entities": [subject.entity]}
    first = []
    for number, each in enumerate(shards(config)):
        first.append(run(each))
        add(subject, config, tmp_path, number)
    second = [run(each, state=before.state) for each, before in zip(shards(config), first, strict=True)]
    assert [part.exit for part in (*first, *second)] == [""] * 2 * OF
    came = Counter(str(row["id"]) for part in first for row in part.records[subject.entity])
    assert set(came.values()) == {1}
    later = {str(row["id"]) for part in second for row in part.records[subject.entity]}
    assert came.keys() | later == {str(row["id"]) for row in records(crm, subject.entity)}


@pytest.mark.parametrize("wrong", ["0/4", "5/4", "a", "1/0", "/", "1/2/3", "-1/4", "1.5/2", "\u00b2/4"])
def test_what_is_no_shard_is_said(wrong: str) -> None:
    result = run({"system": "vtiger", "url": "http://127.0.0.1:9", "username": "a", "access_key": "b", "shard": wrong})
    assert "`shard` must be a part and the number of parts" in result.exit


def test_a_state_of_another_shard_is_refused(crm: Simulator, subject: Subject) -> None:
    config = {**subject.config(crm), "entities": [subject.entity]}
    one, two, _three = shards(config)
    state = next(found for each in (one, two, _three) if (found := run(each).state.get("bookmarks", {})))
    if "shard" not in state.get(subject.entity, {}):
        return  # A shard has the entity as a whole, so its state is true for every shard.
    for other in ({**config, "shard": "1/2"}, two, config):
        result = run(other, state={"bookmarks": state})
        assert "The state is that of shard 1/3" in result.exit
        assert not result.records[subject.entity]
