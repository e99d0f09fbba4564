"""Wrong settings and wrong input: one clear sentence each, nothing written, exit code 1."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.target_crm.writing import one, pipe, record, run, schema, settings, writes

if TYPE_CHECKING:
    from crm_simulators.vtiger import VtigerSimulator

ANN = {"id": "1", "lastname": "Sicretova", "email": "ann@example.com"}
BY_LEDGER = {"identify_by": "ledger"}


def command(
    config: dict[str, Any], lines: list[Any], folder: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs the installed ``target-crm``."""
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return subprocess.run(
        [Path(sys.executable).with_name("target-crm"), "--config", folder / "config.json", *arguments],
        input="".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
        cwd=folder,
        env={**os.environ, **environment},
    )


def test_wrong_settings_are_named_all_at_once(crm: VtigerSimulator, tmp_path: Path) -> None:
    wrong = {
        "url": "crm.example.com",
        "access_key": None,
        "identify_by": {"email": 1},
        "write_mode": "replace",
        "deletes": "maybe",
        "max_rejects": 5,
        "settle_seconds": -1,
        "owners": "x",
        "report_path": "report.json",
        "streams": {
            "Contacts": {"entety": "Leads", "write_mode": "x", "fields": ["x"], "identify_by": 7},
            "Leads": 1,
            "b": {"entity": 5},
        },
    }
    result = command({**settings(crm, tmp_path), **wrong}, pipe("Contacts", [ANN]), tmp_path)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    for setting in wrong:
        assert f"`{setting}`" in result.stderr
    assert "`rejects_path` is missing" in result.stderr
    for word in ("entety", "write_mode must be one of", "fields must be an object", "identify_by must be"):
        assert f"`streams` for Contacts{' has' if word == 'entety' else ':'}" in result.stderr
        assert word in result.stderr
    assert "`streams` for Leads must be an object" in result.stderr
    assert "`streams` for b: entity must be the name of one." in result.stderr
    assert crm.calls == []


def _two_novaks(crm: VtigerSimulator) -> str:
    return ", ".join(sorted(crm.store.insert("Contacts", {"lastname": "Novák"}) for _turn in range(2)))


CASES: dict[str, tuple[dict[str, Any], list[dict[str, Any]], str]] = {
    "no identify_by": (
        {},
        pipe("Contacts", [ANN]),
        (
            "`identify_by` is not set for the stream Contacts: say how an incoming record is recognised in the CRM: "
            '"id", its key is the id in this CRM; "ledger", by what earlier runs wrote; or a list of fields such as '
            '["email"], by the same values.'
        ),
    ),
    "unknown entity": (
        BY_LEDGER,
        pipe("Contact", [ANN]),
        "shows no entity Contact to this user: did you mean Contacts",
    ),
    "unknown field": (
        BY_LEDGER,
        pipe("Contacts", [{**ANN, "emial": "x"}]),
        "Contacts has no field emial: did you mean email? Map emial with `streams`, or set `unknown_fields` to drop",
    ),
    "missing mandatory field": (
        BY_LEDGER,
        pipe("Contacts", [{"id": "1", "email": "ann@example.com"}], owner=None),
        "Contacts needs lastname, which the stream does not deliver; Contacts needs assigned_user_id",
    ),
    "nothing but deletions": (
        {"identify_by": ["email"], "deletes": "apply", "default_owner": "admin"},
        pipe("Contacts", [{"id": "1", "email": "", "_sdc_deleted_at": "2026-01-01T00:00:00Z"}], owner=None),
        (
            "Contacts needs lastname, which the stream does not deliver; "
            "where nothing shall be created, set `write_mode` to update_only"
        ),
    ),
    "owner setting that does not exist": (
        {**BY_LEDGER, "default_owner": "adnim", "owners": {"x": "19x999"}},
        pipe("Contacts", [ANN]),
        "`owners` names a user or group that does not exist in the CRM",
    ),
    "owner that does not exist": (
        BY_LEDGER,
        pipe("Contacts", [ANN], owner="19x999"),
        "the record 1 is rejected: its owner does not exist in the CRM; map it with `owners` or set `default_owner`",
    ),
    "empty owner": (
        BY_LEDGER,
        pipe("Contacts", [{**ANN, "assigned_user_id": ""}]),
        "the record 1 is rejected: its owner is missing",
    ),
    "empty mandatory field": (
        BY_LEDGER,
        pipe("Contacts", [{**ANN, "lastname": ""}]),
        "the record 1 is rejected: it has no lastname, which the CRM needs",
    ),
    "unwritable entity": (
        BY_LEDGER,
        pipe("Users", [{"id": "1", "user_name": "x", "last_name": "y", "email1": "z", "roleid": "r"}], owner=None),
        "the CRM does not let this user create Users",
    ),
    "match field that the entity lacks": (
        {"identify_by": ["mail"]},
        pipe("Contacts", [ANN]),
        "`identify_by` names mail, which Contacts does not have",
    ),
    "match field that the stream lacks": (
        {"identify_by": ["phone"]},
        pipe("Contacts", [ANN]),
        "`identify_by` names phone, which the stream does not deliver",
    ),
    "match field that nobody may set": (
        {"identify_by": ["contact_no"]},
        pipe("Contacts", [{**ANN, "contact_no": "CON1"}]),
        "`identify_by` names contact_no, which the CRM sets itself",
    ),
    "empty match field": (
        {"identify_by": ["email"]},
        pipe("Contacts", [{**ANN, "email": ""}]),
        "the record 1 is rejected: it cannot be identified: email is empty",
    ),
    "two fields into one": (
        {**BY_LEDGER, "streams": {"Contacts": {"fields": {"mail": "email"}}}},
        pipe("Contacts", [{**ANN, "mail": "x"}]),
        "email and mail would all be written to email",
    ),
    "two fields into one, one undeclared": (
        {**BY_LEDGER, "streams": {"Contacts": {"fields": {"surname": "lastname"}}}},
        [*pipe("Contacts", [{"id": 1, "surname": "A"}])[:1], record("Contacts", id=1, surname="A", lastname="B")],
        "the record 1 is rejected: its surname and lastname would be written to the same field",
    ),
    "id without a key": ({"identify_by": "id"}, pipe("Contacts", [ANN], []), '`identify_by` "id" needs a stream with'),
    "wrong key": ({**BY_LEDGER, "access_key": "wrong"}, pipe("Contacts", [ANN]), "user name or access key is wrong"),
    "ledger that cannot be opened": (
        {**BY_LEDGER, "ledger_url": "sqlite:////nowhere/Sicretova/ledger"},
        pipe("Contacts", [ANN]),
        "The ledger of `ledger_url` cannot be written: its folder does not exist",
    ),
    "ledger of an unknown kind": (
        {**BY_LEDGER, "ledger_url": "Sicretova"},
        pipe("Contacts", [ANN]),
        "The ledger cannot be opened (ArgumentError): `ledger_url` must be an address such as sqlite:///name.sqlite",
    ),
    "ledger at a port that is none": (
        {**BY_LEDGER, "ledger_url": "postgresql://ledger:Sicretova@localhost:port/ledger"},
        pipe("Contacts", [ANN]),
        "The ledger cannot be opened (ValueError): `ledger_url` must be an address such as",
    ),
    "ledger whose driver is not installed": (
        {**BY_LEDGER, "ledger_url": "mysql://ledger:Sicretova@localhost/ledger"},
        pipe("Contacts", [ANN]),
        "The ledger cannot be opened (ModuleNotFoundError): install its driver beside this program",
    ),
    "record before its schema": (BY_LEDGER, [record("Contacts", **ANN)], "records of a stream before its SCHEMA"),
    "record without its key": (
        BY_LEDGER,
        [*pipe("Contacts", [ANN])[:1], record("Contacts", lastname="Sicretova")],
        "lacks a field of its stream's key",
    ),
    "a stream in other letters": (
        {**BY_LEDGER, "streams": {"contacts ": None}},
        pipe("Contacts", [ANN]),
        "`streams` tells of contacts , but the stream is called Contacts.",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_clear_sentence_and_nothing_written(crm: VtigerSimulator, tmp_path: Path, case: str) -> None:
    more, messages, sentence = CASES[case]
    result = run({**settings(crm, tmp_path), **more}, messages)
    assert sentence in result.exit
    assert len(result.exit.splitlines()) == 1
    assert result.output == ""
    assert writes(crm) == []
    for secret in ("Sicretova", "ann@example.com", str(crm.config()["access_key"])):
        assert secret not in result.everything


@pytest.mark.parametrize("named", ["Contcts", "Contacts", "Contacts_files", "Potentials"])
def test_a_slip_in_the_name_of_a_stream_is_told(crm: VtigerSimulator, tmp_path: Path, named: str) -> None:
    result = run({**settings(crm, tmp_path), **BY_LEDGER, "streams": {named: {}}}, pipe("Contacts", [ANN]))
    assert result.exit == ""
    sentence = f"`streams` tells of {named} and not of Contacts, which is written as if it told nothing."
    assert (sentence in result.log) == (named == "Contcts")


@pytest.mark.parametrize("case", ["unknown field", "record before its schema"])
def test_the_command_says_it_without_a_traceback(crm: VtigerSimulator, tmp_path: Path, case: str) -> None:
    more, messages, sentence = CASES[case]
    result = command({**settings(crm, tmp_path), **more}, messages, tmp_path)
    assert sentence in result.stderr
    assert result.returncode == 1
    assert result.stdout == ""
    for bad in ("Traceback", "Sicretova", "ann@example.com", str(crm.config()["access_key"])):
        assert bad not in result.stderr


@pytest.mark.parametrize("line", ["Sicretova", "[]", '{"type": "Sicretova"}', '{"type":"RECORD"', "7"])
def test_a_line_that_is_no_message_is_not_repeated(crm: VtigerSimulator, tmp_path: Path, line: str) -> None:
    result = run(settings(crm, tmp_path, **BY_LEDGER), [*pipe("Contacts", [ANN])[:1], line])
    assert result.exit.startswith("target-crm: Line 2 of the input: it is no Singer message")
    assert "Sicretova" not in result.everything


def test_two_matches_are_named_by_their_ids(crm: VtigerSimulator, tmp_path: Path) -> None:
    ids = _two_novaks(crm)
    result = run(settings(crm, tmp_path, identify_by=["lastname"]), pipe("Contacts", [{**ANN, "lastname": "Novák"}]))
    assert f"the record 1 is rejected: 2 records have the same lastname: {ids}" in result.exit
    assert "Novák" not in result.everything
    assert writes(crm) == []


def test_all_problems_of_a_stream_are_named_at_once(crm: VtigerSimulator, tmp_path: Path) -> None:
    result = run(
        settings(crm, tmp_path, identify_by=["mail"], owners={"x": "y"}), pipe("Leads", [{"id": 1, "q": 1}], owner=None)
    )
    for part in ("`owners`", "`identify_by` names mail", "no field q", "needs lastname", "needs assigned"):
        assert part in result.exit


def test_a_failed_look_up_is_not_an_absence(crm: VtigerSimulator, tmp_path: Path) -> None:
    crm_id = crm.store.insert("Contacts", {"lastname": "Novák", "email": "ann@example.com"})
    answer = crm.answer

    def swallow(call: Any) -> Any:
        query = call.query.get("query", "")
        if "email = " in query:
            crm_answer = answer(call)
            return type(crm_answer)(b'{"success":true,"result":[]}')
        return answer(call)

    crm.answer = swallow
    result = run(settings(crm, tmp_path, identify_by=["email"]), pipe("Contacts", [ANN]))
    assert "Contacts: the server could not look the record up (empty answer)" in result.exit
    assert writes(crm) == []
    assert one(crm, "Contacts", email="ann@example.com")["id"] == crm_id


def test_a_schema_that_is_wrong_later_is_not_said_to_have_written_nothing(crm: VtigerSimulator, tmp_path: Path) -> None:
    first = [*pipe("Contacts", [ANN]), {"type": "STATE", "value": {}}]
    later = [schema("Contacts", ["id", "phone"]), record("Contacts", id="2", phone="1")]
    config = settings(crm, tmp_path, identify_by=["lastname"], default_owner="admin")
    result = run(config, [*first, *later])
    assert result.line("Contacts").endswith("1 create")
    assert "The stream Contacts cannot be written to Contacts: `identify_by` names lastname" in result.exit
