"""Stream maps and flattening that cannot be meant end in a sentence, before anything is sent where that can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.vtiger import VtigerSimulator
from tests.running import run
from tests.target_crm import writing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIELD = "must be a text, or null to leave it out."
DEPTH = "`flattening_max_depth` must be a number of levels"
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"stream_maps": {"__else__": "x"}}, "`stream_maps`: __else__ can only be null"),
    ({"stream_maps": {"Leads": ["s3cret"]}}, "`stream_maps`: Leads must be an object, or null"),
    ({"stream_maps": {"Leads": "s3cret"}}, "`stream_maps`: Leads must be an object, or null"),
    ({"stream_maps": {"Leads": {"__else__": {}}}}, "`stream_maps`: Leads: __else__ can only be null"),
    ({"stream_maps": {"Leads": {"x": {"s3cret": 1}}}}, f"`stream_maps`: Leads: x {FIELD}"),
    ({"stream_maps": {"Leads": {"__filter__": True}}}, f"`stream_maps`: Leads: __filter__ {FIELD}"),
    (
        {"stream_maps": {"Leads": {"__source__": None}}},
        "Leads: __source__ must be the name of a stream.",
    ),
    ({"stream_maps": {"Leads": {"__key_properties__": "id"}}}, "Leads: __key_properties__ must be a list of fields"),
    (
        {"stream_maps": {"Leads": {"__alias__": "people"}, "Contacts": {"__alias__": "people"}}},
        "`stream_maps`: several streams would be called people,",
    ),
    ({"faker_config": {"seed": []}}, "`faker_config`: seed must be a number or a text."),
    ({"faker_config": {"locale": 5}}, "`faker_config`: locale must be a text or a list of texts."),
    ({"flattening_enabled": True}, DEPTH),
    ({"flattening_enabled": True, "flattening_max_depth": -1}, DEPTH),
]
CANNOT_BE: list[tuple[dict[str, Any], str]] = [
    (
        {"flattening_enabled": True, "flattening_max_depth": 1, "flattening_max_key_length": 0},
        "flattened, two fields of Leads have one name: change `flattening_separator`",
    ),
    (
        {"stream_maps": {"Leads": {"__alias__": "copy"}, "copy": {"__source__": "Leads"}}},
        "several streams would be called copy,",
    ),
    ({"stream_maps": {"Leads": {"__alias__": "1/0"}}}, "Leads is mapped, or described, in a way"),
]
LEADS = writing.schema("Leads", ["id"])
LEADS["schema"]["properties"] = {name: {"type": "string"} for name in ("id", "lasted", "lasting")}


@pytest.fixture(scope="module")
def crm() -> Iterator[VtigerSimulator]:
    with VtigerSimulator(rows=0) as simulator:
        yield simulator


@pytest.mark.parametrize(("own", "words"), WRONG, ids=str)
def test_settings_that_are_wrong_inside(crm: VtigerSimulator, tmp_path: Path, own: dict[str, Any], words: str) -> None:
    target = writing.settings(crm, tmp_path, identify_by="ledger", **own)
    for said in (run({**crm.config(), **own}).exit, writing.run(target, []).exit):
        assert words in said
        assert "s3cret" not in said
    assert crm.calls == []


def test_all_that_is_wrong_is_told_at_once(crm: VtigerSimulator) -> None:
    result = run({**crm.config(), "stream_maps": {"__else__": "x"}, "faker_config": {"seed": []}, "timezone": "Europe"})
    assert "`stream_maps`: __else__" in result.exit
    assert "`faker_config`: seed" in result.exit
    assert "`timezone` must be" in result.exit


@pytest.mark.parametrize(("own", "words"), CANNOT_BE, ids=str)
def test_what_cannot_be_made_of_a_stream(crm: VtigerSimulator, tmp_path: Path, own: dict[str, Any], words: str) -> None:
    config = {**crm.config(), "entities": ["Leads"], **own}
    assert run(config).exit.startswith(f"tap-crm: `stream_maps` cannot be applied: {words}")
    target = writing.settings(crm, tmp_path, identify_by="ledger", **own)
    assert writing.run(target, [LEADS]).exit.startswith(f"target-crm: `stream_maps` cannot be applied: {words}")


@pytest.mark.parametrize("else_", [None, "__NULL__"])
def test_null_in_either_spelling(crm: VtigerSimulator, else_: str | None) -> None:
    maps = {"Leads": {"__else__": else_, "__key_properties__": None, "last": "lastname"}, "__else__": else_}
    result = run({**crm.config(), "entities": ["Leads"], "stream_maps": maps})
    assert result.exit == ""
    assert set(result.schemas) == {"Leads"}
    assert set(result.schemas["Leads"]["schema"]["properties"]) == {"last"}
