"""Two ways with files: each travels once, and none that somebody gave a record is lost without a word."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.vtiger import VtigerSimulator
from crm_simulators.vtiger.requests import SentFile
from tests.running import run as read
from tests.target_crm.writing import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


VERSIONS = count()


class Office:
    """One of two CRMs that hold the same document."""

    def __init__(self, crm: VtigerSimulator, name: str) -> None:
        self.crm, self.name = crm, name
        self.state: dict[str, Any] | None = None

    @property
    def paper(self) -> str:
        """The id of the only document."""
        (found,) = self.crm.store.records("Documents")
        return str(found["id"])

    def put(self, content: str) -> None:
        """A user gives the document another file."""
        paper = self.paper
        self.crm.store.detach(paper)
        self.crm.store.attach(paper, SentFile("filename", "paper.txt", "text/plain", content.encode()))
        self.edit()

    def edit(self) -> None:
        """A user saves the document."""
        self.crm.clock.advance(5)
        self.crm.store.change(self.paper, {"fileversion": str(next(VERSIONS))})

    @property
    def files(self) -> list[str]:
        """What the document holds."""
        named = self.crm.store.attachments.get(self.paper, "").split(",")
        return [self.crm.store.files[int(each.partition("x")[2])].content.decode() for each in named if each]


class Offices:
    """The two, and the pipelines between them."""

    def __init__(self, a: Office, b: Office, folder: Path) -> None:
        self.a, self.b, self._folder = a, b, folder
        self.more: dict[str, Any] = {}

    def go(self, source: Office, there: Office) -> tuple[str, list[str]]:
        """Runs a pipeline; what became of the files, and what was done with each that both sides changed."""
        tap = {**source.crm.config(), "entities": ["Documents"], "files": "content", "nul": "keep"}
        told = read({**tap, "deletions": "off"}, state=source.state)
        assert told.exit == ""
        config = {
            **there.crm.config(),
            "identify_by": "ledger",
            "source": source.name,
            "destination": there.name,
            "default_owner": "admin",
            "ledger_url": f"sqlite:///{self._folder}/both.sqlite",
            "report_path": f"{self._folder}/report.html",
            "unknown_fields": "drop",
            "settle_seconds": 0,
            "max_rejects": -1,
            "rejects_path": f"{self._folder}/{source.name}.jsonl",
            "streams": {"Documents": {"fields": {"folderid": None}}, "fields": None, "picklists": None},
            **self.more,
        }
        result = run(config, [line + "\n" for line in told.output.splitlines()])
        assert result.exit == ""
        source.state = result.states[-1]
        report = json.loads((self._folder / "report.json").read_text("utf-8"))
        conflicts = report["streams"]["Documents_files"].get("conflicts", [])
        line = result.line("Documents_files").partition(": ")[2].partition(";")[0]
        return line, [each["done"] for each in conflicts]

    def settle(self) -> None:
        """Lets both pipelines run until all is the same."""
        for _round in range(2):
            self.go(self.a, self.b)
            self.go(self.b, self.a)


@pytest.fixture
def offices(tmp_path: Path) -> Iterator[Offices]:
    """Both hold one document with the file «first», which came from a."""
    with VtigerSimulator(rows=0) as a, VtigerSimulator(rows=0) as b:
        both = Offices(Office(a, "a"), Office(b, "b"), tmp_path)
        a.store.insert("Documents", {"notes_title": "Paper", "filelocationtype": "I", "filename": "paper.txt"})
        both.a.put("first")
        both.settle()
        assert both.a.files == both.b.files == ["first"]
        yield both


def test_a_file_travels_once_and_is_no_news_where_it_came_from(offices: Offices) -> None:
    a, b = offices.a, offices.b
    b.put("second")
    assert offices.go(b, a) == ("1 update", [])
    for _round in range(2):
        a.edit()
        b.edit()
        assert offices.go(a, b) == ("1 unchanged", [])
        assert offices.go(b, a) == ("1 unchanged", [])
    assert a.files == b.files == ["second"]


def test_an_older_file_that_comes_again_with_its_record_takes_the_place_of_none(offices: Offices) -> None:
    a, b = offices.a, offices.b
    a.edit()
    b.put("second")
    assert offices.go(a, b) == ("1 unchanged", [])
    offices.settle()
    assert a.files == b.files == ["second"]
    b.edit()
    a.put("third")
    assert offices.go(b, a) == ("1 unchanged", [])
    offices.settle()
    assert a.files == b.files == ["third"]


def test_an_echo_takes_the_place_of_no_newer_file(offices: Offices) -> None:
    a, b = offices.a, offices.b
    b.put("second")
    offices.go(b, a)
    b.put("third")
    assert offices.go(a, b) == ("1 unchanged", [])
    offices.settle()
    assert a.files == b.files == ["third"]


@pytest.mark.parametrize(
    ("policy", "done", "left"),
    [("source", ["written"], "of a"), ("crm", ["left"], "of b"), ("reject", ["rejected"], "of b")],
)
def test_a_file_that_both_sides_replaced_is_a_conflict(
    offices: Offices, policy: str, done: list[str], left: str
) -> None:
    offices.a.put("of a")
    offices.b.put("of b")
    offices.more = {"conflicts": policy}
    assert offices.go(offices.a, offices.b)[1] == done
    assert (offices.a.files, offices.b.files) == (["of a"], [left])


def test_the_same_file_on_both_sides_is_none(offices: Offices) -> None:
    offices.a.put("same")
    offices.b.put("same")
    assert offices.go(offices.a, offices.b) == ("1 unchanged", [])
    assert offices.go(offices.b, offices.a) == ("1 unchanged", [])
