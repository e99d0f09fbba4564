"""The files of a run: none takes the place of another, none follows a link, none keeps half a line."""

from __future__ import annotations

import json
import os
import resource
import stat
from typing import TYPE_CHECKING, Any

import pytest

from target_crm.report import RawRecord, Rejects
from tests.target_crm.mapping.test_checks import command
from tests.target_crm.writing import pipe, run, settings, stored

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator

BAD = pipe("Contacts", [{"id": f"b{number}", "lastname": "Bad", "birthday": "never"} for number in range(2)])
GOOD = pipe("Contacts", [{"id": "g", "lastname": "Good"}])


def keeping(crm: VtigerSimulator, folder: Path, **more: Any) -> dict[str, Any]:
    """Settings that keep every rejected record."""
    path = {"rejects_path": str(folder / "rejects.jsonl")}
    return settings(crm, folder, identify_by="ledger", max_rejects=-1, **{**path, **more})


@pytest.mark.parametrize(
    ("rejects", "report", "ledger", "both"),
    [
        ("out.json", "out.html", "l", ("rejects_path", "the JSON beside `report_path`")),
        ("out", "out", "l", ("rejects_path", "the page of `report_path`")),
        ("sub/../out", "out", "l", ("rejects_path", "the page of `report_path`")),
        ("r", "l", "l", ("the page of `report_path`", "ledger_url")),
        ("l", "out", "l", ("rejects_path", "ledger_url")),
        ("r", "l.html", "l.json", ("the JSON beside `report_path`", "ledger_url")),
    ],
)
def test_paths_that_meet_are_refused(
    crm: VtigerSimulator, tmp_path: Path, rejects: str, report: str, ledger: str, both: tuple[str, str]
) -> None:
    (tmp_path / "sub").mkdir()
    paths = {"report_path": str(tmp_path / report), "ledger_url": f"sqlite:///{tmp_path}/{ledger}"}
    result = run(keeping(crm, tmp_path, rejects_path=str(tmp_path / rejects), **paths), BAD)
    assert "are the same file; give each a name of its own." in result.exit
    assert all(each in result.exit for each in both)
    assert crm.calls == []
    assert [each.name for each in tmp_path.iterdir()] == ["sub"]


def test_paths_that_meet_by_a_hard_link_too(crm: VtigerSimulator, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    config = keeping(crm, tmp_path, rejects_path=str(tmp_path / "a"), report_path=str(tmp_path / "b"))
    assert "are the same file" in run(config, BAD).exit


@pytest.mark.parametrize("name", ["report_path", "rejects_path"])
@pytest.mark.parametrize("content", ['{"access_key": "k"}', '{"type": "SCHEMA"}\n{"type": "RECORD"}\n', "<p>Mine</p>"])
def test_a_file_of_somebody_else_is_left_alone(crm: VtigerSimulator, tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(content, "utf-8")
    given = path.with_suffix(".html") if name == "report_path" else path
    result = run(keeping(crm, tmp_path, **{name: str(given)}), BAD)
    assert "exists and was not written by this program; move it away, or name another file." in result.exit
    assert path.read_text("utf-8") == content
    assert crm.calls == []


def test_a_ledger_that_is_no_database_is_left_alone(crm: VtigerSimulator, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("e-mail,surname\n" * 9, "utf-8")
    path.chmod(0o644)
    result = run(keeping(crm, tmp_path, ledger_url=f"sqlite:///{path}"), BAD)
    assert "The ledger of `ledger_url` exists and was not written by this program" in result.exit
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert crm.calls == []


@pytest.mark.parametrize("address", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:l?mode=memory&uri=true"])
def test_a_ledger_in_memory_is_told(crm: VtigerSimulator, tmp_path: Path, address: str) -> None:
    config = keeping(crm, tmp_path, ledger_url=address)
    assert "the next run will not know what this one writes" in command(config, GOOD, tmp_path).stderr


def test_a_working_directory_that_is_gone(
    crm: VtigerSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    config = keeping(crm, tmp_path, ledger_url="sqlite:///l", rejects_path="r", report_path="p")
    first, second = run(config, BAD).exit.splitlines()
    assert "The ledger cannot be opened (No such file or directory): check `ledger_url`" in first
    assert "the report cannot be written to `report_path` (No such file or directory)." in second


def test_a_config_beside_the_report_is_not_overwritten(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, identify_by="ledger", report_path=str(tmp_path / "config.html"))
    (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
    said = run(config, GOOD).exit
    assert said.startswith("target-crm: The JSON beside `report_path` exists and was not written by this program")
    assert json.loads((tmp_path / "config.json").read_text("utf-8")) == config


def test_an_earlier_report_is_replaced_and_private(crm: VtigerSimulator, tmp_path: Path) -> None:
    page = tmp_path / "out.html"
    config = keeping(crm, tmp_path, report_path=str(page))
    assert run(config, GOOD).exit == ""
    for path in (page, page.with_suffix(".json"), tmp_path / "ledger.sqlite"):
        path.chmod(0o644)
    first = page.read_text("utf-8")
    result = run(config, BAD)
    assert result.exit == ""
    assert page.read_text("utf-8") != first
    assert "ledger.sqlite was open to others (mode 644); it holds personal data, so it is now 600." in result.log
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert {each.name for each in tmp_path.iterdir()} == {"out.html", "out.json", "ledger.sqlite", "rejects.jsonl"}


def test_rejects_that_others_could_read_are_narrowed(crm: VtigerSimulator, tmp_path: Path) -> None:
    (tmp_path / "rejects.jsonl").touch(mode=0o644)
    assert "rejects.jsonl was open to others" in run(keeping(crm, tmp_path), BAD).log
    assert stat.S_IMODE((tmp_path / "rejects.jsonl").stat().st_mode) == 0o600


@pytest.mark.parametrize("link", ["rejects.jsonl", "out.html", "out.json", "ledger.sqlite"])
def test_a_link_is_not_followed(crm: VtigerSimulator, tmp_path: Path, link: str) -> None:
    target = tmp_path / "target"
    target.write_text("precious", "utf-8")
    (tmp_path / link).symlink_to(target)
    result = run(keeping(crm, tmp_path, report_path=str(tmp_path / "out.html")), BAD)
    assert "is a symbolic link, which is not followed; name the file itself." in result.exit
    assert target.read_text("utf-8") == "precious"
    assert crm.calls == []


@pytest.mark.parametrize("path", ["missing/rejects.jsonl", "."])
def test_what_cannot_be_kept_is_known_before_the_run(crm: VtigerSimulator, tmp_path: Path, path: str) -> None:
    result = run(keeping(crm, tmp_path, rejects_path=str(tmp_path / path)), BAD)
    assert "The file of `rejects_path`" in result.exit
    assert crm.calls == []


@pytest.mark.parametrize("name", ["rejects_path", "report_path", "ledger_url"])
def test_a_folder_that_takes_no_file_is_known_before_the_run(crm: VtigerSimulator, tmp_path: Path, name: str) -> None:
    path = f"{'sqlite:///' if name == 'ledger_url' else ''}/proc/sys/kept"
    result = run(keeping(crm, tmp_path, **{name: path}), BAD)
    assert f"`{name}` cannot be written: its folder takes no new file from this user." in result.exit
    assert crm.calls == []


def test_a_device_takes_rejects_and_nothing_else(crm: VtigerSimulator, tmp_path: Path) -> None:
    kept = {"identify_by": "ledger", "max_rejects": -1, "rejects_path": "/dev/null"}
    assert run(settings(crm, tmp_path, **kept), []).exit == ""
    terminal = os.ttyname(os.openpty()[1])
    result = run(settings(crm, tmp_path, **kept, report_path=terminal), [])
    assert "The page of `report_path` is not a plain file." in result.exit


def test_a_dry_run_keeps_no_rejects(crm: VtigerSimulator, tmp_path: Path) -> None:
    result = run(keeping(crm, tmp_path, dry_run=True), BAD)
    assert result.line("Contacts") == "Contacts → Contacts: would be 2 reject"
    assert not (tmp_path / "rejects.jsonl").exists()


@pytest.mark.parametrize("cut", [1, 2, 40, 150])
def test_half_a_record_is_taken_away_before_the_next_is_added(crm: VtigerSimulator, tmp_path: Path, cut: int) -> None:
    path, config = tmp_path / "rejects.jsonl", keeping(crm, tmp_path)
    run(config, BAD)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    result = run(config, BAD)
    assert result.exit == ""
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert ("ended in half a record" in result.log) == (cut > 1), "one without its line end is mended"
    assert [each["record"]["id"] for each in lines if each["type"] == "RECORD"].count("b0") == 2
    assert [each["type"] for each in lines].count("SCHEMA") == 2


def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    path = tmp_path / "rejects.jsonl"
    rejects = Rejects(str(path), warn=pytest.fail)
    rejects.add(RawRecord("a", {}, ["id"], {"id": 1}), "first")
    whole = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 30, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            rejects.add(RawRecord("a", {}, ["id"], {"id": 2}), "second")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == whole


@pytest.mark.parametrize("name", ["rejects_path", "report_path"])
def test_the_input_is_none_of_them(crm: VtigerSimulator, tmp_path: Path, name: str) -> None:
    config = keeping(crm, tmp_path, report_path=str(tmp_path / "out.html"))
    run(config, BAD)
    source = tmp_path / ("rejects.jsonl" if name == "rejects_path" else "out.html")
    before = source.read_bytes()
    result = command(config, [], tmp_path, "--input", str(source))
    assert result.returncode == 1
    assert f"`{name}`; move it away before it is read." in result.stderr
    assert source.read_bytes() == before


@pytest.mark.parametrize("alias", [{}, {"__alias__": "people"}], ids=["", "alias"])
def test_rejects_are_kept_as_they_came_before_the_maps(
    crm: VtigerSimulator, tmp_path: Path, alias: dict[str, str]
) -> None:
    record = {"id": "1", "lastname": "eu", "birthday": "never", "department": "x"}
    maps: dict[str, Any] = {"Contacts": {"lastname": "lastname + '-' + department", "department": "__NULL__", **alias}}
    config = keeping(crm, tmp_path, stream_maps=maps, streams={"people": {"entity": "Contacts"}})
    original = pipe("Contacts", [record])
    assert run(config, original).exit == ""
    path = tmp_path / "rejects.jsonl"
    schema, kept = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    assert schema == original[0]
    assert kept["record"] == original[1]["record"]
    replay = path.read_text("utf-8").replace("never", "2000-02-28").splitlines()
    path.unlink()
    assert run(config, replay).exit == ""
    assert [each["lastname"] for each in stored(crm, "Contacts", birthday="2000-02-28")] == ["eu-x"]


@pytest.mark.parametrize("expression", ["lastname + nickname", "lastname + phone", "lastname[99:][0]", "import os"])
def test_a_record_that_the_maps_fail_on_is_rejected(crm: VtigerSimulator, tmp_path: Path, expression: str) -> None:
    config = keeping(crm, tmp_path, default_owner="admin", stream_maps={"Contacts": {"lastname": expression}})
    messages = pipe("Contacts", [{"id": "1", "lastname": "Secretperson", "phone": None}])
    result = run(config, messages)
    assert "Contacts: the record 1 is rejected: `stream_maps` fails on it" in result.log
    assert result.line("Contacts") == "Contacts → Contacts: 1 reject"
    assert result.exit == ""
    assert "Secretperson" not in result.everything
    kept = json.loads((tmp_path / "rejects.jsonl").read_text("utf-8").splitlines()[1])
    assert kept["record"] == messages[1]["record"]


@pytest.mark.parametrize("maps", [{"id": None}, {"lastname": "("}, {"__key_properties__": ["gone"]}], ids=str)
def test_maps_that_cannot_be_are_said_in_a_sentence(crm: VtigerSimulator, tmp_path: Path, maps: dict[str, Any]) -> None:
    config = settings(crm, tmp_path, identify_by="ledger", stream_maps={"Contacts": maps})
    assert "target-crm: `stream_maps` cannot be applied: " in run(config, GOOD).exit
    assert crm.calls == []


def test_a_schema_that_changes_is_told_again(crm: VtigerSimulator, tmp_path: Path) -> None:
    more = pipe("Contacts", [{"id": "b9", "lastname": "Bad", "birthday": "never", "phone": "1"}])
    run(keeping(crm, tmp_path), [*BAD, *more])
    lines = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text("utf-8").splitlines()]
    assert [each["type"] for each in lines] == ["SCHEMA", "RECORD", "RECORD", "SCHEMA", "RECORD"]


def test_the_debug_log_holds_no_records_and_no_secrets(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = keeping(crm, tmp_path, ledger_url=f"sqlite:///{tmp_path}/l.sqlite?timeout=7")
    people = pipe("Contacts", [{"id": "1", "lastname": "Secretperson"}, {"id": "2", "birthday": "Secretday"}])
    result = command(config, people, tmp_path, TARGET_CRM_LOGLEVEL="DEBUG")
    assert result.returncode == 0
    for hidden in ("Secretperson", "Secretday", config["access_key"], "sessionName="):
        assert hidden not in result.stdout + result.stderr
