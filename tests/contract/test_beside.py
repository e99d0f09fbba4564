"""Files, and relations that are no fields, where a CRM offers them; where it does not, it is said in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crm_systems import SYSTEMS
from tests.contract.subjects import SUBJECTS, Subject
from tests.running import run
from tests.target_crm.writing import run as write
from tests.target_crm.writing import schema

if TYPE_CHECKING:
    from pathlib import Path

OFFERS = {system.name: system for system in SYSTEMS}


@pytest.fixture(params=sorted(SUBJECTS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def subject(name: str) -> Subject:
    return SUBJECTS[name]


@pytest.mark.parametrize("files", ["content", "folder"])
def test_files_come_or_it_is_said_that_they_cannot(name: str, subject: Subject, tmp_path: Path, files: str) -> None:
    with subject.start(10) as crm:
        asked: dict[str, Any] = {"entities": [subject.entity], "files": files, "files_path": str(tmp_path)}
        result = run({**subject.config(crm), **asked})
    if OFFERS[name].offers_files:
        assert result.exit == ""
        assert f"{subject.entity}_files" in result.schemas
    else:
        assert "`files` cannot be read here, since the CRM hands out none: leave `files` out." in result.exit
        assert result.records == {}


def test_relations_come_or_it_is_said_that_they_cannot(name: str, subject: Subject) -> None:
    with subject.start(10) as crm:
        result = run({**subject.config(crm), "entities": [subject.entity], "relations": "all"})
    if OFFERS[name].offers_relations:
        assert result.exit == ""
        assert f"Campaigns_{subject.entity}_relations" in result.schemas
    else:
        assert "`relations` cannot be read here, since the CRM tells none: leave `relations` out." in result.exit
        assert result.records == {}


@pytest.mark.parametrize("kind", ["files", "relations"])
def test_what_a_crm_does_not_take_stops_before_the_first_write(
    name: str, subject: Subject, tmp_path: Path, kind: str
) -> None:
    with subject.start(10) as crm:
        config = {**subject.config(crm), "ledger_url": f"sqlite:///{tmp_path}/ledger.sqlite", "identify_by": "ledger"}
        stream = f"{subject.entity}_Nothing_relations" if kind == "relations" else f"{subject.entity}_files"
        fields = ["id", "attachment_id", "content", "source_id", "related_id"]
        result = write(config, [schema(stream, fields, ["id"])])
    offers = kind == "files" and OFFERS[name].offers_files
    refusals = ("takes no files of", "shows no entity", "tells no relations")
    assert any(each in result.exit for each in refusals) is not offers
