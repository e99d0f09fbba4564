"""Files, written: with their record or after it, each once, and never from outside the folder."""

from __future__ import annotations

import shutil
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Call, Fault
from crm_simulators.vtiger import VtigerSimulator
from crm_simulators.vtiger.requests import SentFile
from tests.running import run as read
from tests.target_crm.writing import one, pipe, record, run, schema, settings, stored

if TYPE_CHECKING:
    from pathlib import Path

BYTES = bytes(range(256)) * 40
PAPER = {"id": "p1", "notes_title": "Paper", "filename": "můj papír.txt", "notecontent": "<p>a &amp; b</p>"}


def coded(content: bytes) -> str:
    return b64encode(content).decode()


def sent(crm: VtigerSimulator) -> list[str]:
    """The operations that change something."""
    return [name for call in crm.calls if (name := _operation(call)) in {"create", "update", "revise", "add_related"}]


def _operation(call: Call) -> str:
    if call.form:
        return call.form.get("operation", "")
    head = b'name="operation"\r\n\r\n'
    return call.body.partition(head)[2].partition(b"\r\n")[0].decode()


def files(crm: VtigerSimulator, title: str = "Paper") -> list[bytes]:
    """The files of the only document of a title."""
    attached = crm.store.attachments.get(one(crm, "Documents", notes_title=title)["id"], "")
    return [crm.store.files[int(each.partition("x")[2])].content for each in attached.split(",") if each]


def ledger(crm: VtigerSimulator, folder: Path, **more: Any) -> dict[str, Any]:
    return settings(crm, folder, **{"identify_by": "ledger", **more})


@pytest.mark.parametrize("by", ["content", "path"])
def test_a_document_is_created_with_its_file_and_changed_once(crm: VtigerSimulator, tmp_path: Path, by: str) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)

    def paper(content: bytes, **more: Any) -> list[dict[str, Any]]:
        (tmp_path / "in/deep/one").write_bytes(content)
        brought = {"content": coded(content)} if by == "content" else {"path": "deep/one"}
        return pipe("Documents", [{**PAPER, **brought, **more}])

    config = ledger(crm, tmp_path, files_path=str(tmp_path / "in"))
    first = run(config, paper(BYTES))
    assert first.exit == ""
    assert files(crm) == [BYTES]
    assert sent(crm) == ["create"]
    assert first.line("Documents") == "Documents → Documents: 1 create; stored otherwise than sent: filename (1)"

    crm.calls.clear()
    assert run(config, paper(BYTES)).line("Documents").endswith("1 unchanged")
    assert sent(crm) == []
    run(config, paper(BYTES, notes_title="Paper", notecontent="<p>c</p>"))
    assert sent(crm) == ["revise"]
    crm.calls.clear()
    run(config, paper(b"other", notecontent="<p>c</p>"))
    assert sent(crm) == ["update"]
    assert files(crm) == [b"other"]
    assert one(crm, "Documents", notes_title="Paper")["notecontent"] == "<p>c</p>"
    run(config, paper(b"other", notecontent="<p>c</p>"))
    assert sent(crm) == ["update"]


def test_a_stream_of_files_gives_documents_theirs(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = ledger(crm, tmp_path)
    keys = ["id", "attachment_id"]
    first = {"id": "p1", "attachment_id": "15x1", "name": "můj papír.txt", "media_type": "text/x-own", "size": 10240}
    messages = [*pipe("Documents", [{**PAPER, "filelocationtype": "I"}])]
    file = pipe("Documents_files", [{**first, "content": coded(BYTES), "sha256": "x"}], keys, owner=None)
    result = run(config, [*file, *messages])
    assert result.exit == ""
    assert files(crm) == [BYTES]
    document = one(crm, "Documents", notes_title="Paper")
    assert (document["filetype"], document["notecontent"]) == ("text/x-own", PAPER["notecontent"])
    assert "stored otherwise than sent: filename (1)" in result.line("Documents_files")

    crm.calls.clear()
    assert run(config, [*messages, *file]).line("Documents_files").endswith("1 unchanged")
    assert sent(crm) == []
    replaced = {**first, "attachment_id": "15x9", "content": coded(b"other")}
    assert ": 1 update" in run(config, pipe("Documents_files", [replaced], keys, owner=None)).line("Documents_files")
    assert files(crm) == [b"other"]


def test_a_file_beside_which_another_may_be_dropped_is_left(crm: VtigerSimulator, tmp_path: Path) -> None:
    product = crm.store.insert("Products", {"productname": "Lamp"})
    crm.store.attach(product, SentFile("imagename", "lamp.png", "image/png", b"theirs"))
    more = {"id": product, "attachment_id": "9", "name": "new.png", "content": coded(b"ours")}
    told = pipe("Products_files", [more], ["id", "attachment_id"], owner=None)
    result = run(ledger(crm, tmp_path, identify_by="id"), told)
    assert "has another file" in result.exit
    assert sent(crm) == []


def test_files_move_from_one_crm_to_another_by_a_folder(crm: VtigerSimulator, tmp_path: Path) -> None:
    contents = {f"Moved {n}": bytes([n]) * (1 + n * 7000) for n in range(5)}
    with VtigerSimulator(rows=0) as source:
        for title, content in contents.items():
            create = {"id": title, "notes_title": title, "filename": f"{title}.txt", "content": coded(content)}
            assert run(ledger(source, tmp_path, source="made"), pipe("Documents", [create])).exit == ""
        asked = {**source.config(), "entities": ["Documents"], "files": "folder", "files_path": str(tmp_path / "kept")}
        told = {"Documents": {"fields": {"imageattachmentids": None}}, "picklists": None}
        config = ledger(crm, tmp_path, files_path=str(tmp_path / "kept"), streams=told, owners={"19x1": "admin"})
        config |= {"default_owner": "admin", "unknown_fields": "drop"}
        for expected in ("5 update", "5 unchanged"):
            result = run(config, [line + "\n" for line in read(asked).output.splitlines()])
            assert result.exit == ""
            assert result.line("Documents_files").startswith(f"Documents_files → Documents_files: {expected}")
    for title, content in contents.items():
        assert files(crm, title) == [content]


def test_a_file_that_is_too_large_is_rejected_before_it_is_sent(crm: VtigerSimulator, tmp_path: Path) -> None:
    field = next(each for each in crm.store.modules["Documents"].describe["fields"] if each["name"] == "filename")
    told = field["type"]["maxUploadFileSize"]
    field["type"]["maxUploadFileSize"] = 1000
    try:
        result = run(ledger(crm, tmp_path), pipe("Documents", [{**PAPER, "content": coded(BYTES)}]))
    finally:
        field["type"]["maxUploadFileSize"] = told
    assert "its file has 10,240 bytes, and the CRM takes no more than 1,000" in result.exit
    assert sent(crm) == []


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "link", "folder/secret", "none", "", "a\0b"])
def test_no_path_leads_out_of_the_folder(crm: VtigerSimulator, tmp_path: Path, path: str) -> None:
    inside, secret = tmp_path / "in", tmp_path / "secret"
    inside.mkdir()
    secret.write_text("secret")
    (inside / "link").symlink_to(secret)
    (inside / "folder").symlink_to(tmp_path)
    config = ledger(crm, tmp_path, files_path=str(inside))
    result = run(config, pipe("Documents", [{**PAPER, "filelocationtype": "I", "path": path}]))
    if path:
        assert "the record p1 is rejected: its path" in result.exit
        assert sent(crm) == []
        assert path == "none" or ("leads out" in result.exit) is ("\0" not in path)
    else:
        assert files(crm) == []


def test_faults_of_the_input_are_named(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = ledger(crm, tmp_path)
    for content in ("ä", "eA==*"):
        assert "its content is no base64" in run(config, pipe("Documents", [{**PAPER, "content": content}])).exit
    assert "`files_path` must say" in run(config, pipe("Documents", [{**PAPER, "path": "x"}])).exit
    orphan = pipe("Documents_files", [{"id": "gone", "attachment_id": "1", "content": "eA=="}], ["id"], owner=None)
    assert "points to a record that the CRM does not show" in run(config, orphan).exit
    more, keys = {"max_rejects": 1, "rejects_path": str(tmp_path / "rejects.jsonl")}, ["id", "attachment_id"]
    nobodys = [
        schema("Documents_files", [*keys, "content"], keys),
        record("Documents_files", attachment_id="1", content="eA=="),
    ]
    assert "is rejected: its id is empty" in run({**config, **more}, nobodys).log
    assert sent(crm) == []


@pytest.mark.sweep
@pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.ERROR_AFTER, Fault.TRUNCATED, Fault.REFUSED])
@pytest.mark.parametrize("operation", ["create", "update"])
def test_nothing_is_doubled_by_a_lost_answer(
    crm: VtigerSimulator, tmp_path: Path, fault: Fault, operation: str
) -> None:
    hit: list[int] = []

    def once(call: Call) -> Fault | None:
        if _operation(call) == operation and not hit:
            hit.append(call.number)
            return fault
        return None

    crm.fault = once
    config = ledger(crm, tmp_path)
    for content in (BYTES, b"other"):
        result = run(config, pipe("Documents", [{**PAPER, "content": coded(content)}]))
        assert (result.exit, "both sides" in result.line("Documents")) == ("", False)
    assert hit
    assert files(crm) == [b"other"]


def test_a_file_that_the_crm_does_not_keep_is_told_and_tried_again(crm: VtigerSimulator, tmp_path: Path) -> None:
    field = next(each for each in crm.store.modules["Documents"].describe["fields"] if each["name"] == "filename")
    kept = dict(field["type"])
    config, paper = ledger(crm, tmp_path), pipe("Documents", [{**PAPER, "content": coded(BYTES)}])
    attach, crm.store.attach = crm.store.attach, lambda *_given: ""
    result = run(config, paper)
    assert "but the CRM did not keep its file" in result.exit
    assert "the CRM does not take the file" in run(config, paper).exit
    crm.store.attach = attach
    assert run(config, paper).exit == ""
    assert files(crm) == [BYTES]
    assert len(stored(crm, "Documents", notes_title="Paper")) == 1
    assert field["type"] == kept


def test_a_comment_is_made_with_its_file(crm: VtigerSimulator, tmp_path: Path) -> None:
    comment = {"id": "c", "commentcontent": "See it", "filename": "a.txt", "content": coded(b"seen")}
    parent = crm.store.records("Contacts")[0]["id"]
    config = settings(crm, tmp_path, identify_by=["commentcontent"])
    assert run(config, pipe("ModComments", [{**comment, "related_to": parent}])).exit == ""
    identifier = one(crm, "ModComments", commentcontent="See it")["id"]
    assert crm.store.files[int(crm.store.attachments[identifier].partition("x")[2])].content == b"seen"


def test_a_dry_run_shows_a_file_by_its_hash(crm: VtigerSimulator, tmp_path: Path) -> None:
    report = tmp_path / "plan.html"
    config = ledger(crm, tmp_path, dry_run=True, report_path=str(report))
    assert run(config, pipe("Documents", [{**PAPER, "content": coded(BYTES)}])).exit == ""
    assert sent(crm) == []
    assert "File(sha256=" in report.with_suffix(".json").read_text("utf-8")
    assert report.with_suffix(".json").stat().st_size < len(BYTES)


@pytest.mark.parametrize("gone", [{"content": None}, {"content": ""}, {}], ids=["null", "empty", "absent"])
def test_a_record_that_comes_without_its_file_keeps_it(
    crm: VtigerSimulator, tmp_path: Path, gone: dict[str, Any]
) -> None:
    config = ledger(crm, tmp_path)
    run(config, pipe("Documents", [{**PAPER, "content": coded(BYTES)}]))
    result = run(config, pipe("Documents", [{**PAPER, "notecontent": "new", **gone}]))
    assert (result.exit, files(crm), sent(crm)[-1]) == ("", [BYTES], "revise")
    assert ("without a file" in result.log) == bool(gone)
    assert (
        run(config, pipe("Documents", [{**PAPER, "notecontent": "new", **gone}]))
        .line("Documents")
        .endswith("1 unchanged")
    )


def test_a_file_that_the_crm_refuses_does_not_take_away_the_one_that_is_there(
    crm: VtigerSimulator, tmp_path: Path
) -> None:
    config = ledger(crm, tmp_path)
    assert run(config, pipe("Documents", [{**PAPER, "content": coded(BYTES)}])).exit == ""
    (tmp_path / "empty").touch()
    empty = {**{name: value for name, value in PAPER.items() if name != "content"}, "path": "empty"}
    assert "keeps no file of 0 bytes" in run({**config, "files_path": str(tmp_path)}, pipe("Documents", [empty])).exit
    crm.store.largest_upload = len(BYTES)
    result = run(config, pipe("Documents", [{**PAPER, "content": coded(BYTES * 2)}]))
    assert "the CRM does not take the file" in result.exit
    assert files(crm) == [BYTES]


@pytest.mark.parametrize("fault", [None, Fault.LOST_ANSWER, Fault.TRUNCATED])
def test_an_image_is_added_once_beside_those_that_are_there(
    crm: VtigerSimulator, tmp_path: Path, fault: Fault | None
) -> None:
    faults = [fault] if fault else []
    crm.fault = lambda call: faults.pop() if faults and _operation(call) == "update" else None
    config, contents = ledger(crm, tmp_path), [b"one", b"two"]
    for content in contents:
        before = shutil.copy(tmp_path / "ledger.sqlite", tmp_path / "before") if content == b"two" else ""
        contact = {"id": "c", "lastname": "Shown", "imagename": "me.png", "content": coded(content)}
        assert run(config, pipe("Contacts", [contact])).exit == ""
    # As if that run had been killed before it noted what it did.
    shutil.copy(before, tmp_path / "ledger.sqlite")
    assert run(config, pipe("Contacts", [contact])).exit == ""
    attached = crm.store.attachments[one(crm, "Contacts", lastname="Shown")["id"]]
    assert [crm.store.files[int(each.partition("x")[2])].content for each in attached.split(",")] == contents
