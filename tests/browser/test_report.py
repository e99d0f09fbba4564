"""The report in a real browser: harmless, readable on a phone, in light and dark."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.vtiger import VtigerSimulator
from crm_systems.model import Entity
from target_crm.outcome import Action, Change, Outcome
from target_crm.report import Report
from tests.target_crm.writing import pipe, run, settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.chromium import Chromium

EVIL = (
    "<script>document.title = 'ran'</script><img src=x onerror=\"document.title = 'ran'\">"
    '<svg onload="document.title = \'ran\'"><a href="javascript:alert(1)">x</a>'
)
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3
SMALL, PHONE, DESK, WIDE = 320, 390, 1280, 1920
AXE = files("axe_core_python").joinpath("axe.min.js")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A plan and the report of the run that followed it, with everything that a report can show."""
    folder = tmp_path_factory.mktemp("reports")
    with VtigerSimulator(rows=5, invoices=0) as crm:
        for number in range(3):
            crm.store.insert(
                "Contacts", {"lastname": f"Old {number}", "email": f"u{number}@example.com", "title": EVIL}
            )
        gone = crm.store.insert("Leads", {"lastname": "Gone"})
        people: list[dict[str, Any]] = [
            {"id": f"c{number}", "lastname": f"Nováková {number}", "email": f"u{number}@example.com", "title": "CEO"}
            for number in range(6)
        ]
        people[1] |= {"lastname": LONG, "title": EVIL, "description": f"{EVIL}\n{LONG}\nthird line"}
        people[2] |= {"title": None, "description": "up \U0001f680", "cf_855": 1.23456}
        people += [
            {"id": EVIL, "lastname": EVIL, "email": ""},
            {"id": LONG, "lastname": "x", "email": "", "title": LONG},
        ]
        told = [*pipe("Contacts", people), *pipe("Leads", [{"id": gone, "_sdc_deleted_at": "2026-01-01"}], owner=None)]
        streams = {"Leads": {"identify_by": "id"}}
        config = settings(crm, folder, identify_by=["email"], streams=streams, deletes="apply", max_rejects=-1)
        paths = {"plan": folder / "plan.html", "report": folder / "report.html"}
        for name, path in paths.items():
            own = {"report_path": str(path), "dry_run": name == "plan", "rejects_path": str(folder / "rejects")}
            assert run({**config, **own}, told).exit == ""
    return paths


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [SMALL, PHONE, DESK, WIDE], ids=["small", "phone", "desk", "wide"])
@pytest.mark.parametrize("name", ["plan", "report"])
def test_nothing_runs_and_nothing_overflows(
    browser: Chromium, reports: dict[str, Path], name: str, width: int, dark: bool
) -> None:
    browser.open(reports[name], width=width, dark=dark)
    browser.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    picture = browser.screenshot()
    reports[name].with_name(f"{name}-{width}-{'dark' if dark else 'light'}.png").write_bytes(picture)
    assert len(picture) > 10_000
    assert browser.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    title = browser.evaluate("document.title")
    assert title.startswith("Plan: Vtiger at 127.0.0.1" if name == "plan" else "Report: Vtiger at 127.0.0.1")
    assert browser.evaluate("document.querySelectorAll('body script, img, svg, iframe').length") == 1, "our own script"
    assert browser.evaluate("[...document.links].every(each => each.href.includes('/index.php?module='))")
    assert browser.evaluate("document.body.innerText.includes(\"<script>document.title = 'ran'</script>\")")
    said = [event["method"] for event in browser.events]
    assert not {"Page.javascriptDialogOpening", "Runtime.exceptionThrown", "Log.entryAdded"} & set(said)
    assert said.count("Network.requestWillBeSent") == 1, "the page itself, and nothing else"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_texts_stand_out_from_their_background(browser: Chromium, reports: dict[str, Path], dark: bool) -> None:
    browser.open(reports["plan"], width=PHONE, dark=dark)
    weakest = browser.evaluate(CONTRAST)
    assert weakest >= 4.5, "WCAG AA"
    brightness = browser.evaluate("getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g).slice(0, 3)")
    assert (sum(map(float, brightness)) < 200) == dark


def test_details_open_and_close(browser: Chromium, reports: dict[str, Path]) -> None:
    browser.open(reports["plan"], width=PHONE)
    is_open = "document.querySelector('details').open"
    before = browser.evaluate(is_open)
    for expected in (not before, before):
        browser.click("summary")
        assert browser.evaluate(is_open) == expected


def test_the_picture_in_the_docs(browser: Chromium, tmp_path: Path, pictures: Path) -> None:
    with VtigerSimulator(rows=0, invoices=0) as crm:
        people = [
            {
                "lastname": last,
                "firstname": first,
                "email": f"{first}@example.com".lower(),
                "title": "Head of Everything",
            }
            for first, last in (("Jana", "Nováková"), ("Amir", "Haddad"), ("Zoë", "O'Brien"))
        ]
        for person in people:
            crm.store.insert("Contacts", person)
        changed = [{**person, "id": str(place), "title": "Head of Sales"} for place, person in enumerate(people)]
        page = tmp_path / "plan.html"
        config = settings(crm, tmp_path, identify_by=["email"], dry_run=True, report_path=str(page))
        assert run(config, pipe("Contacts", changed)).exit == ""
    browser.open(page, width=760, height=680)
    assert browser.evaluate("[...document.querySelectorAll('.record b')].map(each => each.textContent)") == [
        "Jana Nováková",
        "Amir Haddad",
        "Zoë O'Brien",
    ]
    assert browser.evaluate("[...document.querySelectorAll('mark')].map(each => each.textContent)") == 3 * [
        "Everything",
        "Sales",
    ]
    (pictures / "plan.png").write_bytes(browser.screenshot())


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["plan", "report"])
def test_axe_finds_nothing(browser: Chromium, reports: dict[str, Path], name: str, dark: bool) -> None:
    browser.open(reports[name], width=DESK, dark=dark)
    browser.evaluate("document.styleSheets[0].insertRule('.record { content-visibility: visible !important }')")
    browser.evaluate(AXE.read_text("utf-8"))
    found = browser.evaluate("axe.run().then(found => JSON.stringify(found.violations))")
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in json.loads(found)] == []


def test_a_filter_shows_what_it_says(browser: Chromium, reports: dict[str, Path]) -> None:
    browser.open(reports["plan"], width=DESK)
    shown = "[...document.querySelectorAll('.record:not([hidden])')].map(each => each.querySelector('b').textContent)"
    everybody = browser.evaluate(shown)

    def filtered(**choices: str) -> list[str]:
        settings = json.dumps({"search": "", "stream": "", "action": "", "field": "", **choices})
        browser.evaluate(f"for (const [name, value] of Object.entries({settings})) form.elements[name].value = value")
        browser.evaluate("form.dispatchEvent(new Event('input'))")
        found: list[str] = browser.evaluate(shown)
        assert all(browser.evaluate("groups.map(each => each.hidden || each.offsetHeight > 0)"))
        return found

    assert filtered(search="nováková 4") == ["Nováková 4"]
    assert filtered(stream="Leads") == ["Gone"]
    assert filtered(action="rejects") == [EVIL, LONG]
    assert filtered(field="cf_855") == ["Old 2"]
    assert browser.evaluate("form.elements.count.value") == f"1 of {len(everybody)} shown"
    assert filtered(stream="Leads", field="cf_855") == []
    assert filtered() == everybody


def test_ten_thousand_changes_are_shown_and_filtered(browser: Chromium, tmp_path: Path) -> None:
    report = Report(title="CRM", dry_run=True, shows_records=True)
    report.stream("people", Entity("people", ()))
    for number in range(10_000):
        changes = (Change("title", "old", f"new {number}"),)
        report.add("people", Outcome(Action.UPDATE, str(number), changes=changes))
    report.write(str(tmp_path / "report.html"), seconds=0, requests=0)
    browser.open(tmp_path / "report.html", width=DESK)
    browser.evaluate("form.elements.search.value = 'new 7777'; form.dispatchEvent(new Event('input'))")
    assert browser.evaluate("form.elements.count.value") == "1 of 10000 shown"


CONTRAST = """
(() => {
  const light = colour => {
    const [r, g, b] = colour.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const parse = text => { const n = text.match(/[0-9.]+/g).map(Number); return n.length > 3 ? n : [...n, 1]; };
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
  const ground = element => {
    const layers = [];
    for (let each = element; each; each = each.parentElement)
      layers.push(parse(getComputedStyle(each).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const ratios = [...document.querySelectorAll('body *')]
    .filter(each => [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
    .filter(each => each.offsetParent !== null)
    .map(each => {
      const below = ground(each), own = parse(getComputedStyle(each).color);
      let opacity = own[3];
      for (let up = each; up; up = up.parentElement) opacity *= Number(getComputedStyle(up).opacity);
      const [a, b] = [light(over([...own.slice(0, 3), opacity], below)), light(below)].sort((x, y) => y - x);
      return (a + 0.05) / (b + 0.05);
    });
  return Math.min(...ratios);
})()
"""
