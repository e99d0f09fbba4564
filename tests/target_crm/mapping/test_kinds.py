"""Every kind of field goes out and comes back the same."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.target_crm.writing import held, one, pipe, run, settings, stored, writes

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator
    from crm_simulators.vtiger.schema import Module

CUSTOM = {
    "cf_853": ("Text", "Text"),
    "cf_855": (1234.5, "1234.500"),
    "cf_857": (17, "17"),
    "cf_859": ("12.50", "12.50"),
    "cf_861": (99.99, "99.99"),
    "cf_863": ("2026-02-28", "2026-02-28"),
    "cf_865": ("x@example.com", "x@example.com"),
    "cf_867": ("+49 30 123456", "+49 30 123456"),
    "cf_869": ("Über <gross>", "Über <gross>"),
    "cf_871": ("https://example.com/?a=1&b=2", "https://example.com/?a=1&b=2"),
    "cf_873": (True, "1"),
    "cf_875": ("Line\nbreak", "Line\nbreak"),
    "cf_877": (["alpha", "beta & co"], "alpha |##| beta & co"),
    "cf_879": ("skype.name", "skype.name"),
    "cf_881": ("9:30", "09:30:00"),
}
"""A field of each type that the layout editor offers: what comes in, and what the CRM then holds."""

ODD = {
    "entities": "a &amp; b &lt;c&gt; &eacute; &#39; &nbsp;",
    "ampersand": "a & b; AT&T &",
    "markup": "<b>x</b> <script src=x> </p>",
    "quotes": """O'Neil "x" ''y'' \\ \\' back\\slash\\""",
    "blanks": "  leading and trailing  ",
    "lines": "one\ntwo\r\nthree\tfour",
    "letters": "Žluťoučký kůň, Ελλάδα, 日本語, ñ, ß",
    "percent": "100 % _ * ; -- select",
    "separator": "a |##| b",
    "json": '{"a": [1, "]"]} \\u0041',
    "null": "null",
    "control": "a\x01b\x0bc",
}
BY: list[Any] = ["ledger", ["email"]]


@pytest.mark.parametrize("by", BY, ids=str)
@pytest.mark.parametrize("flavour", ["vtiger-8.4", "vtiger-8.0"])
def test_every_custom_field_is_stored_as_it_came(vtiger: Any, tmp_path: Path, by: Any, flavour: str) -> None:
    crm = vtiger(flavour, rows=5)
    config = settings(crm, tmp_path, identify_by=by)
    values = {name: value for name, (value, _stored) in CUSTOM.items()}
    base = {"id": 1, "lastname": "Kinds", "email": "kinds@example.com"}
    # A first run creates, a second changes every field, a third finds nothing to do.
    for incoming in (values, dict.fromkeys(values), values, values):
        crm.calls.clear()
        result = run(config, pipe("Contacts", [{**base, **incoming}]))
        assert "stored otherwise" not in result.log
    assert writes(crm) == []
    now = one(crm, "Contacts", lastname="Kinds")
    assert {name: now[name] for name in CUSTOM} == {name: held for name, (_value, held) in CUSTOM.items()}


@pytest.mark.parametrize("name", ODD)
def test_odd_texts_are_stored_letter_for_letter(crm: VtigerSimulator, tmp_path: Path, name: str) -> None:
    text = ODD[name].replace("<script src=x>", "<i>")
    config = settings(crm, tmp_path, identify_by="ledger")
    person = {"id": 1, "lastname": "Odd", "description": text}
    for incoming in (person, {**person, "description": f"{text} again"}, person):
        run(config, pipe("Contacts", [incoming]))
        assert one(crm, "Contacts", lastname="Odd")["description"] == incoming["description"]
    matched = settings(crm, tmp_path, identify_by=["lastname"])
    crm.calls.clear()
    run(matched, pipe("Contacts", [person]))
    assert writes(crm) == []


@pytest.mark.parametrize("name", [name for name in ODD if name != "markup"])
def test_odd_texts_match(crm: VtigerSimulator, tmp_path: Path, name: str) -> None:
    config = settings(crm, tmp_path, identify_by=["lastname"])
    for _turn in range(2):
        run(config, pipe("Contacts", [{"id": 1, "lastname": ODD[name]}]))
        (tmp_path / "ledger.sqlite").unlink()
    assert len(stored(crm, "Contacts", lastname=ODD[name])) == 1


@pytest.mark.parametrize(
    ("value", "held"),
    [(True, "1"), ("true", "1"), ("yes", "1"), (1, "1"), ("on", "1"), (False, "0"), ("false", "0"), (0, "0")],
)
def test_booleans_go_out_as_the_server_understands_them(
    crm: VtigerSimulator, tmp_path: Path, value: Any, held: str
) -> None:
    person = {"id": 1, "lastname": "Bool", "donotcall": value, "emailoptout": value}
    run(settings(crm, tmp_path, identify_by="ledger"), pipe("Contacts", [person]))
    assert one(crm, "Contacts", lastname="Bool")["donotcall"] == held


def test_exact_decimals_and_whole_numbers(crm: VtigerSimulator, tmp_path: Path) -> None:
    account = {"id": 1, "accountname": "Numbers", "annual_revenue": 0, "employees": 3, "cf_921": 0}
    messages = [json.dumps(each) for each in pipe("Accounts", [account])]
    messages[1] = messages[1].replace('"annual_revenue": 0', '"annual_revenue": 12345678901.10')
    config = settings(crm, tmp_path, identify_by="ledger")
    run(config, messages)
    assert one(crm, "Accounts", accountname="Numbers")["annual_revenue"] == "12345678901.10000000"
    element = writes(crm)[0][1]
    assert (element["annual_revenue"], element["employees"]) == ("12345678901.10", "3")
    crm.calls.clear()
    run({**config, "identify_by": ["accountname"]}, [text.replace("901.10", "901.1") for text in messages])
    assert writes(crm) == []


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("cf_863", "2020-02-31", "date"),
        ("cf_857", "1.9", "integer"),
        ("cf_857", "abc", "integer"),
        ("cf_855", "12,5", "number"),
        ("cf_873", "maybe", "boolean"),
        ("cf_855", "NaN", "number"),
    ],
)
def test_what_the_server_would_garble_is_rejected_before_it_is_sent(
    crm: VtigerSimulator, tmp_path: Path, field: str, value: str, kind: str
) -> None:
    person = {"id": "p1", "lastname": "Wrong", field: value}
    result = run(settings(crm, tmp_path, identify_by="ledger"), pipe("Contacts", [person]))
    assert f"Contacts: the record p1 is rejected: its {field} is no {kind}" in result.exit
    assert value not in result.everything
    assert writes(crm) == []


def test_dates_in_other_forms_become_the_servers(crm: VtigerSimulator, tmp_path: Path) -> None:
    people = [
        {"id": number, "lastname": "Date", "birthday": value}
        for number, value in enumerate(("2001-02-03", "2001-02-03T00:00:00Z", "03.02.2001"))
    ]
    run(settings(crm, tmp_path, identify_by="ledger"), pipe("Contacts", people))
    assert [each["birthday"] for each in stored(crm, "Contacts", lastname="Date")] == ["2001-02-03"] * 3


def test_a_picklist_takes_a_value_or_a_label(crm: VtigerSimulator, tmp_path: Path) -> None:
    module = crm.store.modules["Contacts"]
    described = json.loads(json.dumps(module.describe))
    picklist = next(each for each in described["fields"] if each["name"] == "leadsource")
    picklist["type"]["picklistValues"] = [{"label": "Kalter Anruf", "value": "Cold Call"}]
    cast("dict[str, Module]", crm.store.modules)["Contacts"] = replace(module, describe=described)
    sources = ("Kalter Anruf", "Cold Call", "No Such")
    people = [{"id": number, "lastname": "Pick", "leadsource": value} for number, value in enumerate(sources)]
    run(settings(crm, tmp_path, identify_by="ledger"), pipe("Contacts", people))
    written = [each["leadsource"] for each in stored(crm, "Contacts", lastname="Pick")]
    assert written == ["Cold Call", "Cold Call", "No Such"]


def test_blanks_go_out_where_there_was_something(crm: VtigerSimulator, tmp_path: Path) -> None:
    crm_id = crm.store.insert("Contacts", {"lastname": "Full", "title": "x", "birthday": "2000-01-01", "cf_857": "5"})
    config = settings(crm, tmp_path, identify_by="id")
    person = {"id": crm_id, "title": None, "birthday": "", "cf_857": None, "phone": None}
    run(config, pipe("Contacts", [person], owner=None))
    now = held(crm, crm_id)
    assert (now["title"], now["birthday"], now["cf_857"]) == ("", None, "0")
    assert set(writes(crm)[0][1]) == {"id", "title", "birthday", "cf_857"}
    crm.calls.clear()
    run(config, pipe("Contacts", [person], owner=None))
    assert writes(crm) == [], "that the server makes 0 of an empty number is remembered"
