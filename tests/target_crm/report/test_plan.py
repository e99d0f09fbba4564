"""The plan and the report: every look-up and no write; values stand there and nowhere else."""

from __future__ import annotations

import json
import stat
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from crm_systems.model import Entity
from target_crm.outcome import Action, Outcome
from target_crm.report import Report
from target_crm.report.page import MOST_ON_PAGE, compared
from tests.target_crm.writing import OWNER, held, pipe, run, settings, writes

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator

EVIL = """<script>alert(1)</script><img src=x onerror="alert(2)">'"</dd></details>&lt;b&gt;{{ 7 * 7 }}"""
ACME = {"id": "a1", "accountname": "Acme"}


def plan(folder: Path) -> dict[str, Any]:
    """The report as JSON."""
    found: dict[str, Any] = json.loads((folder / "report.json").read_text("utf-8"))
    return found


def config_of(crm: VtigerSimulator, folder: Path, **more: Any) -> dict[str, Any]:
    more = {"identify_by": ["email"], "dry_run": True, "report_path": str(folder / "report.html"), **more}
    return settings(crm, folder, max_rejects=-1, rejects_path=str(folder / "rejects"), **more)


def test_a_plan_makes_every_look_up_and_no_write(crm: VtigerSimulator, tmp_path: Path) -> None:
    changed = crm.store.insert("Contacts", {"lastname": "Old Name", "email": "a@x.cz", "title": "CEO"})
    same = crm.store.insert("Contacts", {"lastname": "Same", "email": "b@x.cz"})
    people = [
        {"id": "1", "lastname": "New Name", "email": "a@x.cz", "title": "CEO"},
        {"id": "2", "lastname": "Same", "email": "b@x.cz", "title": ""},
        {"id": "3", "lastname": "Third", "email": "c@x.cz", "title": "CTO"},
        {"id": "4", "lastname": "Fourth", "email": "", "title": "CTO"},
    ]
    before = crm.store.records("Contacts")
    result = run(config_of(crm, tmp_path), pipe("Contacts", people))
    assert writes(crm) == []
    assert crm.store.records("Contacts") == before
    assert result.line("Contacts") == "Contacts → Contacts: would be 1 create, 1 update, 1 unchanged, 1 reject"
    told = plan(tmp_path)
    assert (told["dry_run"], told["requests"]) == (True, len(crm.calls))
    stream = told["streams"]["Contacts"]
    assert {name: count for name, count in stream["counts"].items() if count} == {
        "create": 1,
        "update": 1,
        "unchanged": 1,
        "reject": 1,
    }
    assert stream["updates"] == [
        {
            "key": "1",
            "id": changed,
            "name": "Old Name",
            "reason": "",
            "changes": [{"field": "lastname", "before": "Old Name", "after": "New Name"}],
        }
    ]
    created = {each["field"]: each["after"] for each in stream["creates"][0]["changes"]}
    assert created == {"assigned_user_id": OWNER, "lastname": "Third", "email": "c@x.cz", "title": "CTO"}
    assert stream["rejects"][0]["reason"] == "it cannot be identified: email is empty"
    for value in ("Old Name", "New Name", "CTO", "a@x.cz", same):
        assert value not in result.everything


def test_a_real_run_does_what_the_plan_said(crm: VtigerSimulator, tmp_path: Path) -> None:
    crm.store.insert("Contacts", {"lastname": "Old", "email": "a@x.cz"})
    people = [{"id": str(n), "lastname": f"L{n}", "email": f"{mail}@x.cz"} for n, mail in enumerate("abc")]
    run(config_of(crm, tmp_path), pipe("Contacts", people))
    planned = plan(tmp_path)["streams"]
    run(config_of(crm, tmp_path, dry_run=False), pipe("Contacts", people))
    done = plan(tmp_path)["streams"]
    for each in done["Contacts"]["creates"]:
        each["id"] = ""
    assert planned == done
    assert len(writes(crm)) == 3


def test_a_plan_by_ledger_knows_the_parents_that_it_would_create(crm: VtigerSimulator, tmp_path: Path) -> None:
    early = pipe("Contacts", [{"id": "c1", "lastname": "Early", "account_id": "a1"}])
    late = pipe("Potentials", [{"id": "p1", "potentialname": "Deal", "related_to": "a1", "closingdate": "2026-01-01"}])
    for each in late[1:]:
        each["record"]["sales_stage"] = "Prospecting"
    late[0]["schema"]["properties"]["sales_stage"] = {}
    lost = pipe("Leads", [{"id": "l1", "lastname": "Lead"}])
    result = run(config_of(crm, tmp_path, identify_by="ledger"), [*early, *pipe("Accounts", [ACME]), *late, *lost])
    assert writes(crm) == []
    assert "left open" not in result.log
    assert plan(tmp_path)["streams"]["Contacts"]["references_left_open"] == {}
    nobody = pipe("Contacts", [{"id": "c1", "lastname": "Early", "account_id": "a9"}])
    result = run(config_of(crm, tmp_path, identify_by="ledger"), nobody)
    assert result.line("Contacts").endswith("references left open: account_id (1)")


def test_a_plan_shows_deletions(crm: VtigerSimulator, tmp_path: Path) -> None:
    crm_id = crm.store.records("Contacts")[0]["id"]
    gone = pipe("Contacts", [{"id": crm_id, "_sdc_deleted_at": "2026-01-01T00:00:00Z"}], owner=None)
    result = run(config_of(crm, tmp_path, identify_by="id", deletes="apply"), gone)
    assert result.line("Contacts").endswith("would be 1 delete")
    assert plan(tmp_path)["streams"]["Contacts"]["deletes"][0]["id"] == crm_id
    assert not held(crm, crm_id)["deleted"]


class Tags(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: set[str] = set()
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _value in attrs)
        self.links.update(str(value) for name, value in attrs if name == "href")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_markup_in_values_stays_text(crm: VtigerSimulator, tmp_path: Path) -> None:
    crm.store.insert("Contacts", {"lastname": EVIL, "email": "a@x.cz", "description": EVIL})
    people = [
        {"id": EVIL, "lastname": "x", "email": "a@x.cz", "description": EVIL + "!"},
        {"id": "2", "lastname": EVIL, "email": "b@x.cz", "description": ""},
        {"id": EVIL + "3", "lastname": EVIL, "email": "", "description": ""},
    ]
    run(config_of(crm, tmp_path, dry_run=False), pipe("Contacts", people))
    page = (tmp_path / "report.html").read_text("utf-8")
    seen = Tags(page)
    assert not {"img", "b>", "iframe"} & seen.tags
    assert page.count("<script>") == 1
    assert not {name for name in seen.attributes if name.startswith("on")} | ({"src"} & seen.attributes)
    assert seen.links == {
        f"{crm.url}/index.php?module=Contacts&view=Detail&record={record['id'].partition('x')[2]}"
        for record in crm.store.records("Contacts")
        if record["email"] in {"a@x.cz", "b@x.cz"}
    }
    assert EVIL in "".join(seen.texts)
    assert "Content-Security-Policy" in page
    assert "default-src 'none'" in page
    assert "http://" not in page.replace(crm.url, "")
    assert "https://" not in page


def test_both_files_are_for_their_owner_only(crm: VtigerSimulator, tmp_path: Path) -> None:
    run(config_of(crm, tmp_path), pipe("Contacts", [{"id": "1", "lastname": "x", "email": "y"}]))
    for name in ("report.html", "report.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_report_that_cannot_be_written_is_a_sentence(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = config_of(crm, tmp_path, report_path=str(tmp_path / "missing" / "report.html"))
    result = run(config, pipe("Contacts", [{"id": "1", "lastname": "x", "email": "y"}]))
    assert "The page of `report_path` cannot be written: its folder does not exist." in result.exit


def test_a_run_that_stops_has_a_report_too(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = {**config_of(crm, tmp_path, dry_run=False), "max_rejects": 0}
    run(
        config,
        pipe("Contacts", [{"id": "1", "lastname": "x", "email": "y"}, {"id": "2", "lastname": "", "email": "z"}]),
    )
    assert plan(tmp_path)["streams"]["Contacts"]["counts"]["reject"] == 1
    run(config, [])
    assert plan(tmp_path)["streams"] == {}
    assert "No stream came in." in (tmp_path / "report.html").read_text("utf-8")


def test_json_and_page_show_every_change(crm: VtigerSimulator, tmp_path: Path) -> None:
    people = [{"id": str(number), "lastname": f"L{number}", "email": f"{number}@x.cz"} for number in range(1200)]
    run(config_of(crm, tmp_path), pipe("Contacts", people))
    created = plan(tmp_path)["streams"]["Contacts"]["creates"]
    assert [(each["key"], each["name"]) for each in created] == [(each["id"], each["lastname"]) for each in people]
    assert (tmp_path / "report.html").read_text("utf-8").count('<article class="record">') == 1200


def test_a_page_shows_what_fits_and_says_how_many_more_there_are(tmp_path: Path) -> None:
    report = Report(title="CRM", dry_run=True, shows_records=True)
    report.stream("people", Entity("people", ()))
    for number in range(MOST_ON_PAGE + 7):
        report.add("people", Outcome(Action.CREATE, str(number)))
    report.write(str(tmp_path / "report.html"), seconds=0, requests=0)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert page.count('<article class="record">') == MOST_ON_PAGE
    assert "… and 7 more, which the JSON beside this page has." in page
    assert len(plan(tmp_path)["streams"]["people"]["creates"]) == MOST_ON_PAGE + 7


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("Nice old house", "Nice new house", "Nice <mark>old</mark> house|Nice <mark>new</mark> house"),
        ("a", "b", "a|b"),
        ("aa", "aa aa", "aa<mark></mark>|aa<mark> aa</mark>"),
        ("", "x", '<span class="empty">empty</span>|x'),
        (["a", "b"], [], 'a, b|<span class="empty">empty</span>'),
        (True, False, "yes|no"),
        ("a\u202eb", "<b>", 'a<span class="hidden">U+202E</span>b|&lt;b&gt;'),
    ],
)
def test_values_are_shown_for_people_to_compare(before: Any, after: Any, shown: str) -> None:
    assert "|".join(str(each).replace("<bdi>", "").replace("</bdi>", "") for each in compared(before, after)) == shown


def test_a_long_text_is_folded_around_its_difference() -> None:
    long = "word " * 500
    before, after = compared(f"{long}old {long}", f"{long}new {long}")
    for value, word in ((before, "old"), (after, "new")):
        head = value.partition("</summary>")[0]
        assert word in head
        assert "5,004 characters" in head
        assert len(head) < 400
        assert f"<mark>{word}</mark>" in value


@pytest.mark.parametrize("by", ["ledger", ["email"], ["ledger", "email"]], ids=str)
@pytest.mark.parametrize("conflicts", ["source", "crm"])
def test_a_plan_tells_what_becomes_of_records_that_come_twice(
    crm: VtigerSimulator, tmp_path: Path, by: Any, conflicts: str
) -> None:
    crm.store.insert("Contacts", {"lastname": "There", "email": "there@x.cz", "phone": "1"})
    first = [{"id": str(number), "lastname": "New", "email": f"{number}@x.cz", "phone": "1"} for number in range(3)]
    more = [
        {**first[0]},
        {**first[1], "phone": "2"},
        {**first[2], "id": "8", "email": "2@X.cz", "phone": "2"},
        {"id": "9", "lastname": "There", "email": "there@x.cz", "phone": "3"},
        {"id": "10", "lastname": "There", "email": "THERE@x.cz", "phone": "3"},
    ]
    config = config_of(crm, tmp_path, identify_by=by, conflicts=conflicts)
    planned = run(config, pipe("Contacts", [*first, *more])).line("Contacts")
    done = run({**config, "dry_run": False}, pipe("Contacts", [*first, *more])).line("Contacts")
    assert planned.replace("would be ", "") == done


@pytest.mark.parametrize("earlier", ["run", "same run"])
def test_a_plan_tells_what_becomes_of_a_value_that_passes_from_one_record_to_another(
    crm: VtigerSimulator, tmp_path: Path, earlier: str
) -> None:
    config = config_of(crm, tmp_path, identify_by=["ledger", "email"])
    ann = {"id": "1", "lastname": "Ann", "email": "old@x.cz"}
    coming = [{**ann, "email": "new@x.cz"}, {"id": "2", "lastname": "Bob", "email": "old@x.cz"}]
    if earlier == "run":
        run({**config, "dry_run": False}, pipe("Contacts", [ann]))
    else:
        coming.insert(0, ann)
    planned = run(config, pipe("Contacts", coming)).line("Contacts")
    done = run({**config, "dry_run": False}, pipe("Contacts", coming)).line("Contacts")
    assert planned.replace("would be ", "") == done
