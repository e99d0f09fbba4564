"""Files of records, read: as content, into a folder, each once; what cannot be had is named."""

from __future__ import annotations

from base64 import b64decode
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Fault
from crm_simulators.vtiger import VtigerSimulator
from crm_simulators.vtiger.requests import SentFile
from tests.running import discover, only, operation, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BYTES = [b"x", bytes(range(256)) * 9, "é".encode() * 5000]
STREAM = "Documents_files"


@pytest.fixture
def crm() -> Iterator[VtigerSimulator]:
    with VtigerSimulator(rows=60) as simulator:
        yield simulator


def attach(crm: VtigerSimulator, number: int, content: bytes, module: str = "Documents") -> str:
    """Gives one of the first records a file; returns the record's id."""
    identifier = str(crm.store.records(module)[number]["id"])
    crm.store.attach(identifier, SentFile("filename", f"file {number}.txt", "text/plain", content))
    crm.store.change(identifier, {})
    return identifier


def fetched(crm: VtigerSimulator) -> int:
    return sum(operation(call) == "files_retrieve" for call in crm.calls)


def config(crm: VtigerSimulator, **more: Any) -> dict[str, Any]:
    return {**crm.config(), "entities": ["Documents"], "lookback_seconds": 0, **more}


def test_content_comes_with_the_records_that_have_a_file(crm: VtigerSimulator) -> None:
    owners = [attach(crm, number, content) for number, content in enumerate(BYTES)]
    asked = config(crm, files="content")
    first = run(asked)
    records = first.records[STREAM]
    assert first.exit == ""
    assert [each["id"] for each in records] == owners
    assert [b64decode(each["content"]) for each in records] == BYTES
    assert [(each["size"], each["sha256"]) for each in records] == [(len(b), sha256(b).hexdigest()) for b in BYTES]
    assert records[0]["name"] == "file 0.txt"
    assert first.schemas[STREAM]["key_properties"] == ["id", "attachment_id"]

    crm.calls.clear()
    assert run(asked, state=first.state).records.keys() == {"fields"}
    assert fetched(crm) == 0
    crm.clock.advance(60)
    crm.store.detach(owners[1])
    attach(crm, 1, b"replaced")
    second = run(asked, state=first.state)
    assert [b64decode(each["content"]) for each in second.records[STREAM]] == [b"replaced"]


def test_a_folder_holds_each_file_once(crm: VtigerSimulator, tmp_path: Path) -> None:
    for number, content in enumerate([*BYTES, BYTES[0]]):
        attach(crm, number, content)
    asked = config(crm, files="folder", files_path=str(tmp_path / "kept"))
    result = run(asked)
    assert result.exit == ""
    for each in result.records[STREAM]:
        path = tmp_path / "kept" / each["path"]
        assert sha256(path.read_bytes()).hexdigest() == each["sha256"]
        assert path.stat().st_mode & 0o077 == 0
        assert "content" not in each
    crm.calls.clear()
    again = run(asked)
    assert fetched(crm) == 0
    assert again.records[STREAM] == result.records[STREAM]

    (tmp_path / "kept" / result.records[STREAM][1]["path"]).unlink()
    assert run(asked).records[STREAM] == result.records[STREAM]
    assert fetched(crm) == 1


@pytest.mark.parametrize("skip", [False, True])
def test_a_file_that_cannot_be_had_is_named(crm: VtigerSimulator, skip: bool) -> None:
    missing, forbidden, fine = (attach(crm, number, b"some") for number in range(3))
    del crm.store.files[int(crm.store.attachments[missing].partition("x")[2])]
    crm.store.forbidden_files.add(crm.store.attachments[forbidden])
    result = run(config(crm, files="content", skip_unreadable=skip))
    assert [each["id"] for each in result.records[STREAM]] == [fine]
    assert f"the file of {missing} is missing" in result.words
    assert f"the file of {forbidden} is missing" in result.words
    assert (result.exit == "") is skip
    assert bool(result.bookmark(STREAM).get("replication_key_value")) is skip
    assert result.bookmark("Documents")["replication_key_value"]


def test_a_file_that_is_too_large_counts_as_unreadable(crm: VtigerSimulator, tmp_path: Path) -> None:
    large = attach(crm, 0, bytes(3000))
    result = run(config(crm, files="content", largest_file_mib=0.002))
    assert f"the file of {large} is missing: it has 3,000 bytes" in result.words
    assert result.exit
    result = run(config(crm, files="folder", files_path=str(tmp_path), largest_file_mib=0.002))
    assert result.exit == ""


def test_a_broken_answer_is_no_file(crm: VtigerSimulator) -> None:
    attach(crm, 0, bytes(3000))
    seen: list[int] = []

    def truncated(call: Any) -> Fault | None:
        if operation(call) == "files_retrieve" and len(seen) < 2:
            seen.append(call.number)
            return Fault.TRUNCATED
        return None

    crm.fault = truncated
    result = run(config(crm, files="content"))
    assert result.exit == ""
    assert [each["size"] for each in result.records[STREAM]] == [3000]


def test_images_and_comments_are_read_the_same_way(crm: VtigerSimulator) -> None:
    image = attach(crm, 0, b"png", "Contacts")
    comment = attach(crm, 0, b"one", "ModComments")
    crm.store.attach(comment, SentFile("filename[]", "two.txt", "text/plain", b"two"))
    result = run({**config(crm, files="content"), "entities": ["Contacts", "ModComments"]})
    assert [(each["id"], b64decode(each["content"])) for each in result.records["Contacts_files"]] == [(image, b"png")]
    assert [b64decode(each["content"]) for each in result.records["ModComments_files"]] == [b"one", b"two"]


def test_a_catalog_chooses_streams_and_fields(crm: VtigerSimulator) -> None:
    attach(crm, 0, b"some")
    asked = config(crm, files="content")
    catalog = only(discover(asked), STREAM)
    stream = next(each for each in catalog["streams"] if each["tap_stream_id"] == STREAM)
    next(part for part in stream["metadata"] if part["breadcrumb"][-1:] == ["content"])["metadata"]["selected"] = False
    result = run(asked, catalog=catalog)
    assert set(result.records) == {STREAM}
    assert "content" not in result.records[STREAM][0]
    assert result.records[STREAM][0]["sha256"]


def test_nothing_but_names_comes_unless_asked_for(crm: VtigerSimulator) -> None:
    attach(crm, 0, b"some")
    assert set(run(config(crm)).records) == {"Documents", "fields"}
    assert fetched(crm) == 0


def test_a_folder_must_be_named_and_usable(crm: VtigerSimulator, tmp_path: Path) -> None:
    assert "`files_path` is missing" in run(config(crm, files="folder")).exit
    attach(crm, 0, b"some")
    (tmp_path / "file").write_text("x")
    result = run(config(crm, files="folder", files_path=str(tmp_path / "file")))
    assert "A file below `files_path` cannot be written" in result.exit
    outside = tmp_path / "outside"
    outside.mkdir()
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / sha256(b"some").hexdigest()[:2]).symlink_to(outside)
    result = run(config(crm, files="folder", files_path=str(inside)))
    assert "leads out of `files_path`" in result.exit
    assert list(outside.iterdir()) == []
