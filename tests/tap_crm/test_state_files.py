"""States and catalogs as people keep them: what is clear is read, what is not is refused in a sentence."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crm_simulators.egito import EgitoSimulator
from crm_simulators.vtiger import VtigerSimulator
from crm_singer.files import FileError
from tap_crm.handed_in import catalog_of, state_of
from tests.running import command, discover, finished, only, run
from tests.tap_crm.leads import leads, live, stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

STATE = {"bookmarks": {"Leads": {"replication_key": "modifiedtime", "replication_key_value": "2025-06-15T00:00:00Z"}}}
MESSAGE = {"type": "STATE", "value": STATE}
PLAIN = json.dumps(STATE).encode()


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        json.dumps(MESSAGE).encode() + b"\n",
        json.dumps({"value": STATE}).encode(),
        json.dumps({"singer_state": STATE}).encode(),
        b'{"bookmarks": {}}\n' + PLAIN + b"\n\n",
        json.dumps({"type": "STATE", "value": {}}).encode() + b"\r\n" + json.dumps(MESSAGE).encode(),
        b"{}\n" + json.dumps({**MESSAGE, "by": "\x85\u2028\u2029"}, ensure_ascii=False).encode(),
        b"\xef\xbb\xbf" + PLAIN,
        PLAIN.decode().encode("utf-16"),
        PLAIN.decode().encode("utf-16-le"),
        PLAIN.decode().encode("utf-16-be"),
        PLAIN.decode().encode("utf-32"),
    ],
)
def test_what_is_clear_is_read(data: bytes) -> None:
    assert state_of(io.BytesIO(data)) == STATE


def test_an_empty_object_is_a_first_run() -> None:
    assert state_of(io.BytesIO(b"{}")) == {}


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b" \n", b"null", b"[]", b"1", b'"x"', b'{"value": null}', b'{"Leads": {}}', b'{"bookmarks": null}'),
        *(b'{"bookmarks": []}', b'{"bookmarks": ', b"\xff\xfe\x00", b"\xe1{}", b"[" * 100_000),
        *(b'{"bookmarks": {}, "bookmarks": {}}', b'{"bookmarks": {"Leads": {}, "Leads": {}}}'),
        *(b'{"a": NaN}', b'{"a": 1e999}', b'{"bookmarks": {}}\nnull'),
        b'{"type": "RECORD", "stream": "Leads", "record": {}}',
    ],
)
def test_the_rest_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(FileError, match=r"^(holds no state|is no JSON|is empty|is neither|says twice)"):
        state_of(io.BytesIO(data))


def test_the_command_refuses_before_it_reads(vtiger: Callable[..., VtigerSimulator], tmp_path: Path) -> None:
    simulator = vtiger()
    (tmp_path / "config.json").write_text(json.dumps(leads(simulator)))
    (tmp_path / "state.json").write_text("null")
    result, code = finished(command("--config", tmp_path / "config.json", "--state", tmp_path / "state.json"))
    assert (code, result.output) == (1, "")
    assert "state.json holds no state" in result.log
    assert "Traceback" not in result.log
    assert simulator.calls == []


@pytest.fixture(scope="module")
def crm() -> Iterator[VtigerSimulator]:
    with VtigerSimulator(rows=6) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def both(crm: VtigerSimulator) -> dict[str, Any]:
    return only(discover({**crm.config(), "entities": ["Leads", "Contacts"]}), "Leads", "Contacts")


BROKEN: list[Any] = [
    None,
    [],
    "x",
    {"replication_key_value": "last week"},
    {"replication_key_value": 1700000000},
    {"replication_key_value": None},
    {"replication_key_value": "0001-01-01"},
    {"replication_key": "createdtime", "replication_key_value": "2025-01-01"},
    {"overlap": {}},
    {"overlap": [1]},
    {"left_out": "title"},
    {"deletions_read_until": 5},
    {"partitions": [{"context": {}}]},
    {"progress_markers": []},
    {"modifiedtime": "2025-06-15T00:00:00Z"},
]


@pytest.mark.parametrize("broken", BROKEN, ids=json.dumps)
def test_a_broken_bookmark_fails_its_stream_alone(crm: VtigerSimulator, both: dict[str, Any], broken: Any) -> None:
    first = run(crm.config(), catalog=both, state={"bookmarks": {"Leads": broken}})
    assert set(live(first, "Contacts")) == stored(crm, "Contacts")
    assert first.records["Leads"] == []
    assert "Leads: The bookmark in the state cannot be used" in first.exit
    again = run(crm.config(), catalog=both, state=first.state)
    assert again.records["Leads"] == []
    assert "Leads: The bookmark in the state cannot be used" in again.exit, "no run takes it for none"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
PARTS = st.sampled_from(
    [
        *("replication_key", "replication_key_value", "overlap", "deletions_read_until", "read_at", "newest"),
        *("partitions", "progress_markers", "starting_replication_value", "unreadable", "anything"),
    ]
)


@settings(max_examples=60, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.sampled_from(["Leads", "Contacts", "picklists"]), JSON | st.dictionaries(PARTS, JSON)))
def test_any_state_gives_a_sentence_or_a_right_read(crm: VtigerSimulator, both: dict[str, Any], marks: Any) -> None:
    result = run({**crm.config()}, catalog=both, state={"bookmarks": marks, "currently_syncing": None})
    for stream in ("Leads", "Contacts"):
        failed = f"{stream}: The bookmark in the state cannot be used" in result.exit
        has_none = isinstance(marks.get(stream, {}), dict) and "replication_key_value" not in marks.get(stream, {})
        assert failed or not has_none or set(live(result, stream)) == stored(crm, stream)
    assert bool(result.exit) == ("cannot be used" in result.exit)


@pytest.mark.parametrize(
    "data", [b"null", b"", b"[]", b'{"streams": null}', b'{"streams": [1]}', b'{"streams": [{}]}', b"{}", b"\xff"]
)
def test_a_catalog_that_is_none(data: bytes) -> None:
    with pytest.raises(FileError, match=r"^(holds no catalog|is no JSON|is empty|is neither)"):
        catalog_of(io.BytesIO(data))


def own(stream: dict[str, Any], name: str = "") -> dict[str, Any]:
    """The metadata of a stream, or of one of its fields."""
    crumb = ["properties", name] if name else []
    found: dict[str, Any] = next(each["metadata"] for each in stream["metadata"] if each["breadcrumb"] == crumb)
    return found


MEANT_OTHERWISE: dict[str, tuple[Callable[[dict[str, Any], list[Any]], Any], str]] = {
    "renamed": (lambda leads, _all: leads.update(stream="people"), "calls Leads people as well: set `__alias__`"),
    "twice": (lambda leads, streams: streams.append(dict(leads)), "has several entries for Leads"),
    "method": (lambda leads, _all: leads.update(replication_method="LOG_BASED"), "wants Leads to be read as LOG_BASED"),
    "misspelt": (lambda leads, _all: own(leads).update({"replication-method": "FULL"}), "to be read as FULL"),
    "selected": (lambda leads, _all: own(leads).update(selected="false"), "by something else than true and false"),
    "a field selected": (
        lambda leads, _all: leads["schema"]["properties"]["email"].update(selected="no"),
        "by something else than true and false",
    ),
    "key": (lambda leads, _all: leads["schema"]["properties"].pop("id"), "does not describe id, the key of Leads"),
    "schema": (lambda leads, _all: leads.pop("schema"), "holds no catalog"),
    "field": (lambda leads, _all: leads["schema"]["properties"].update(email={"anyOf": [1]}), "holds no catalog"),
    "kind": (lambda leads, _all: leads["schema"]["properties"].update(email={"type": 5}), "holds no catalog"),
    "kinds": (lambda leads, _all: leads["schema"]["properties"].update(email={"type": [{}]}), "holds no catalog"),
    "keys": (lambda leads, _all: leads.update(table_key_properties="email"), "holds no catalog"),
    "bookmark": (lambda leads, _all: leads.update(replication_key=["modifiedtime"]), "holds no catalog"),
    "breadcrumb": (lambda leads, _all: leads["metadata"][-1].update(breadcrumb=""), "holds no catalog"),
}


@pytest.mark.parametrize("case", MEANT_OTHERWISE)
def test_what_a_catalog_cannot_mean_is_said(both: dict[str, Any], case: str) -> None:
    change, words = MEANT_OTHERWISE[case]
    catalog = json.loads(json.dumps(both))
    change(next(each for each in catalog["streams"] if each["tap_stream_id"] == "Leads"), catalog["streams"])
    with pytest.raises(FileError, match=words):
        catalog_of(io.BytesIO(json.dumps(catalog).encode()))


@pytest.mark.parametrize("place", ["stream", "schema"])
@pytest.mark.parametrize("described", [True, False])
def test_a_selection_as_catalogs_kept_it_before_is_heeded(
    crm: VtigerSimulator, both: dict[str, Any], place: str, *, described: bool
) -> None:
    catalog = json.loads(json.dumps(both))
    for each in catalog["streams"]:
        own(each).pop("selected")
        each.pop("selected", None)
        (each if place == "stream" else each["schema"])["selected"] = each["tap_stream_id"] == "Leads"
        each["schema"]["properties"].get("email", {})["selected"] = False
        if not described:
            del each["metadata"]
    result = run(crm.config(), catalog=catalog_of(io.BytesIO(json.dumps(catalog).encode())))
    assert [*result.records] == ["Leads"]
    assert set(live(result, "Leads")) == stored(crm, "Leads")
    assert {"email", "lastname"} & result.records["Leads"][0].keys() == {"lastname"}


@pytest.mark.parametrize("described", [True, False])
def test_what_a_catalog_written_by_hand_names_is_read(crm: VtigerSimulator, *, described: bool) -> None:
    kind = {"type": ["string", "null"], "description": "string"} if described else {}
    entry = {"schema": {"properties": {"id": kind, "groupname": kind}}, "key_properties": ["id"]}
    streams = [{"tap_stream_id": name, **entry} for name in ("Groups", "DocumentFolders")]
    result = run(crm.config(), catalog=catalog_of(io.BytesIO(json.dumps({"streams": streams}).encode())))
    for name in ("Groups", "DocumentFolders"):
        assert set(live(result, name)) == stored(crm, name)


def test_what_a_read_needs_is_never_deselected(crm: VtigerSimulator, both: dict[str, Any]) -> None:
    catalog = only(both, "Leads")
    stream = next(each for each in catalog["streams"] if each["tap_stream_id"] == "Leads")
    for name in ("id", "modifiedtime", "email"):
        own(stream, name).update(selected=False, inclusion="available")
    result = run(crm.config(), catalog=catalog_of(io.BytesIO(json.dumps(catalog).encode())))
    assert set(live(result, "Leads")) == stored(crm, "Leads")
    assert "email" not in result.records["Leads"][0]
    assert "replication_key_value" in result.state["bookmarks"]["Leads"]


def test_no_record_leaves_without_the_key_that_a_catalog_chooses(crm: VtigerSimulator, both: dict[str, Any]) -> None:
    catalog = only(both, "Leads")
    next(each for each in catalog["streams"] if each["tap_stream_id"] == "Leads")["key_properties"] = ["email"]
    crm.store.insert("Leads", {"lastname": "Without", "email": ""})
    result = run({**crm.config(), "page_size": 1}, catalog=catalog)
    assert all(each["email"] for each in result.records["Leads"])
    assert "of its records come without their key (email) and are missing" in result.exit


def test_no_record_leaves_under_a_key_that_does_not_fit_its_type(crm: VtigerSimulator, both: dict[str, Any]) -> None:
    catalog = only(both, "Leads")
    stream = next(each for each in catalog["streams"] if each["tap_stream_id"] == "Leads")
    stream["schema"]["properties"]["id"] = {"type": "integer"}
    result = run(crm.config(), catalog=catalog)
    assert result.records["Leads"] == []
    assert "of its records come without their key (id) and are missing" in result.exit


def test_the_key_is_the_one_that_somebody_set_in_meltano(crm: VtigerSimulator, both: dict[str, Any]) -> None:
    catalog = only(both, "Leads")
    stream = next(each for each in catalog["streams"] if each["tap_stream_id"] == "Leads")
    stream["table_key_properties"] = own(stream)["table-key-properties"] = ["lead_no"]
    result = run(crm.config(), catalog=catalog_of(io.BytesIO(json.dumps(catalog).encode())))
    assert result.schemas["Leads"]["key_properties"] == ["lead_no"]


def test_the_state_of_another_crm_is_said(crm: VtigerSimulator) -> None:
    config = {**crm.config(), "entities": ["Leads", "Contacts"]}
    state = run({**config, "url": crm.url.replace("127.0.0.1", "LOCALHOST")}).state
    moved = run(config, state=state)
    assert moved.exit == ""
    assert moved.log.count("The state was left by a run on vtiger localhost:") == 1
    assert "The state was left by" not in run(config, state=moved.state).log


def test_the_state_of_another_system_is_refused_once(crm: VtigerSimulator) -> None:
    config = {**crm.config(), "entities": ["Leads", "Contacts"]}
    refused = run({**config, "system": "simplycrm"}, state=run(config).state)
    assert refused.words.count("The state was left by a run on vtiger") == 1
    assert not refused.records


def test_the_state_of_another_system_is_refused_where_no_stream_is_common(crm: VtigerSimulator) -> None:
    with EgitoSimulator(rows=5) as other:
        state = run({**other.config(), "entities": ["Lead"]}).state
    config = {**crm.config(), "entities": ["Leads"]}
    refused = run(config, state=state)
    assert refused.exit.startswith("tap-crm: Vtiger: The state was left by a run on egito 127.0.0.1:")
    assert not refused.records
    # One that both have written to, as earlier versions did, is this one's as well.
    both = {"bookmarks": {**state["bookmarks"], **run(config).state["bookmarks"]}}
    assert run(config, state=both).words.count("The state was left by") == 0


def test_that_nothing_is_selected_is_said(crm: VtigerSimulator, both: dict[str, Any]) -> None:
    catalog = json.loads(json.dumps(both))
    for each in catalog["streams"]:
        own(each)["selected"] = False
    assert "No stream is selected, so nothing is read." in run(crm.config(), catalog=catalog).log


def test_a_catalog_with_a_mark(both: dict[str, Any]) -> None:
    assert catalog_of(io.BytesIO(json.dumps(both).encode("utf-8-sig"))) == both
