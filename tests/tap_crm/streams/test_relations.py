"""Relations that are no fields, read: all of a record that was changed on either side, and those that are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Fault
from crm_simulators.vtiger import VtigerSimulator
from tests.running import QuietTap, Run, discover, only, operation, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STREAM = "Campaigns_Contacts_relations"


@pytest.fixture
def crm() -> Iterator[VtigerSimulator]:
    with VtigerSimulator(rows=300) as simulator:
        simulator.store.pairs.clear()
        members = ids(simulator, "Contacts")
        for number, campaign in enumerate(ids(simulator, "Campaigns")[:3]):
            relate(simulator, campaign, members[number : number + 120 * number])
        yield simulator


def ids(crm: VtigerSimulator, module: str) -> list[str]:
    return [str(each["id"]) for each in crm.store.records(module)]


def relate(crm: VtigerSimulator, source: str, others: list[str]) -> None:
    crm.store.pairs |= {frozenset({source, other}) for other in others}


def config(crm: VtigerSimulator, **more: Any) -> dict[str, Any]:
    return {**crm.config(), "entities": ["Campaigns"], "relations": [STREAM], "lookback_seconds": 0, **more}


def remembering(crm: VtigerSimulator, folder: Path, **more: Any) -> dict[str, Any]:
    told = {"deletions": "compare", "deletion_records": "marked", "keys_url": f"sqlite:///{folder}/keys.sqlite"}
    return config(crm, **{**told, **more})


def pairs(result: Run) -> list[tuple[str, str]]:
    records = result.records[STREAM]
    return sorted((each["source_id"], each["related_id"]) for each in records if not each.get("_sdc_deleted_at"))


def stored(crm: VtigerSimulator) -> list[tuple[str, str]]:
    campaigns = set(ids(crm, "Campaigns"))
    return sorted((c, next(iter(pair - {c}))) for pair in crm.store.pairs for c in pair & campaigns)


def test_a_full_read_is_complete_beyond_a_hundred(crm: VtigerSimulator) -> None:
    result = run(config(crm))
    assert result.exit == ""
    assert len(stored(crm)) == 360
    assert pairs(result) == stored(crm)
    first = result.records[STREAM][0]
    assert (first["label"], first["source_entity"], first["related_entity"]) == ("Contacts", "Campaigns", "Contacts")
    assert result.schemas[STREAM]["key_properties"] == ["source_id", "related_id", "label"]


def test_a_trial_looks_at_one_page_and_takes_nothing_for_the_whole(
    crm: VtigerSimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    crm.store.pairs.clear()
    tap = QuietTap(config=config(crm, page_size=2, emit_activate_version_messages=True), parse_env_config=False)
    tap.carry_out(tap.try_out)
    assert sum(operation(call) == "query_related" for call in crm.calls) == 4, "two looks at each of two records"
    result = Run(capsys.readouterr().out, "")
    assert result.records.keys() == {"Campaigns", "fields", "picklists"}
    assert "ACTIVATE_VERSION" not in result.output
    assert "replication_key_value" not in result.bookmark(STREAM)


def test_a_second_run_reads_what_was_changed_on_either_side(crm: VtigerSimulator) -> None:
    asked = config(crm)
    first = run(asked)
    assert run(asked, state=first.state).records[STREAM] == []
    crm.clock.advance(60)
    campaigns, contacts = ids(crm, "Campaigns"), ids(crm, "Contacts")
    relate(crm, campaigns[0], contacts[:1])
    crm.store.change(campaigns[0], {})
    relate(crm, campaigns[3], contacts[5:6])
    crm.store.change(contacts[5], {})
    crm.calls.clear()
    second = run(asked, state=first.state)
    assert {(campaigns[0], contacts[0]), (campaigns[3], contacts[5])} <= set(pairs(second))
    assert len(pairs(second)) < 5
    assert sum(operation(call) == "query_related" for call in crm.calls) == 4
    crm.clock.advance(60)
    assert run(asked, state=second.state).records[STREAM] == []


def test_what_is_gone_is_told_where_it_is_remembered(crm: VtigerSimulator, tmp_path: Path) -> None:
    asked = remembering(crm, tmp_path)
    first = run(asked)
    campaign = ids(crm, "Campaigns")[1]
    gone = next(pair for pair in sorted(crm.store.pairs, key=sorted) if campaign in pair)
    crm.store.pairs.remove(gone)
    crm.clock.advance(60)
    assert run(asked, state=first.state).records[STREAM] == []
    crm.store.change(campaign, {})
    second = run(asked, state=first.state)
    told = [each for each in second.records[STREAM] if each.get("_sdc_deleted_at")]
    assert [{each["source_id"], each["related_id"]} for each in told] == [set(gone)]
    assert second.exit == ""
    assert run(asked, state=second.state).records[STREAM] == []
    apart = run(remembering(crm, tmp_path, deletion_records="stream"), state=first.state).records["deleted_records"]
    keys = [each["id"] for each in apart if each["entity"] == STREAM]
    assert [set(key.split("|")) for key in keys] == [{*gone, "Contacts"}]


@pytest.mark.parametrize("skip", [False, True])
def test_a_record_whose_relations_cannot_be_had_is_named_and_loses_none(
    crm: VtigerSimulator, tmp_path: Path, skip: bool
) -> None:
    asked = config(
        crm,
        deletions="compare",
        deletion_records="marked",
        keys_url=f"sqlite:///{tmp_path}/keys.sqlite",
        skip_unreadable=skip,
    )
    assert run(asked).exit == ""
    broken = ids(crm, "Campaigns")[1]
    crm.fault = lambda call: Fault.ERROR_BEFORE if call.query.get("id") == broken else None
    result = run(asked)
    assert f"{STREAM}: what is related to {broken} is missing" in result.words
    assert (result.exit == "") is skip
    assert not [each for each in result.records[STREAM] if each.get("_sdc_deleted_at")]


def test_all_are_those_that_no_field_expresses(crm: VtigerSimulator) -> None:
    names = {each["tap_stream_id"] for each in discover(config(crm, relations="all"))["streams"]}
    told = {name for name in names if name.endswith("_relations")}
    assert {STREAM, "Accounts_Campaigns_relations"} <= told
    assert "Contacts_Documents_relations" not in told, "neither is among `entities`"
    names = {each["tap_stream_id"] for each in discover(config(crm, relations="all", entities=["Contacts"]))["streams"]}
    assert {STREAM, "Contacts_Documents_relations"} <= names
    assert "Accounts_Contacts_relations" not in names, "a field of contacts tells the account"


def test_a_catalog_is_enough(crm: VtigerSimulator) -> None:
    asked = config(crm)
    result = run({**crm.config()}, catalog=only(discover(asked), STREAM))
    assert pairs(result) == stored(crm)


def test_a_field_that_a_catalog_does_not_have_does_not_leave(crm: VtigerSimulator) -> None:
    catalog = only(discover(config(crm)), STREAM)
    for stream in catalog["streams"]:
        stream["schema"]["properties"].pop("source_entity", None)
        stream["metadata"] = [each for each in stream["metadata"] if "source_entity" not in each["breadcrumb"]]
    result = run(config(crm), catalog=catalog)
    assert {name for each in result.records[STREAM] for name in each} == {
        *("source_id", "related_id", "label", "related_entity", "modifiedtime"),
    }


def test_wrong_names_and_words_are_told(crm: VtigerSimulator) -> None:
    result = run(config(crm, relations=["Campaigns_Contacs_relations"]))
    assert "`relations` names Campaigns_Contacs_relations, which the CRM does not tell" in result.exit
    assert STREAM in result.exit
    assert "`relations` must be all, or a list of names" in run(config(crm, relations=[""])).exit


def test_an_end_is_believed_when_two_answers_agree(crm: VtigerSimulator) -> None:
    """The server answers some of its own errors with an empty list."""
    campaign = ids(crm, "Campaigns")[2]
    real, seen = crm._operations["query_related"], list[int]()

    def now_and_then(request: Any) -> Any:
        if request.parameters["id"] == campaign:
            seen.append(1)
            if len(seen) in (1, 4):
                return crm._envelope.success([])
        return real(request)

    crm._operations["query_related"] = now_and_then
    assert pairs(run(config(crm))) == stored(crm)
    crm._operations["query_related"] = lambda request: (
        crm._envelope.success([]) if " order by id limit" in request.parameters["query"] else real(request)
    )
    assert "the server tells both an end and what follows" in run(config(crm)).exit


def test_no_bookmark_moves_before_all_has_left(crm: VtigerSimulator, tmp_path: Path) -> None:
    """What is gone is told at the end, and what is seen from the other side comes after the sources."""
    asked = remembering(crm, tmp_path, deletion_records="stream")
    first, (source, gone) = run(asked), stored(crm)[0]
    crm.clock.advance(60)
    crm.store.pairs.remove(frozenset({source, gone}))
    crm.store.change(source, {})
    crm.fault = lambda call: Fault.ERROR_BEFORE if "from Contacts where modif" in call.query.get("query", "") else None
    second = run(asked, state=first.state)
    assert second.exit
    campaign, contact = ids(crm, "Campaigns")[3], ids(crm, "Contacts")[5]
    relate(crm, campaign, [contact])
    crm.store.change(contact, {})
    crm.fault = lambda call: Fault.ERROR_BEFORE if call.query.get("id") == contact else None
    third = run(asked, state=second.state)
    assert f"what is related to {contact} is missing" in third.exit
    assert [each["id"] for each in third.records["deleted_records"]] == [f"{source}|{gone}|Contacts"]
    crm.fault = lambda _call: None
    assert (campaign, contact) in pairs(run(asked, state=third.state))


def test_a_pair_that_is_there_again_is_told_as_such(crm: VtigerSimulator, tmp_path: Path) -> None:
    asked = remembering(crm, tmp_path, deletion_records="stream")
    state, (source, member) = run(asked).state, stored(crm)[0]
    for change in (crm.store.pairs.remove, crm.store.pairs.add):
        crm.clock.advance(60)
        change(frozenset({source, member}))
        crm.store.change(source, {})
        result = run(asked, state=state)
        state = result.state
    told = {each["id"]: each["noticed_at"] for each in result.records["deleted_records"]}
    assert told == {f"{source}|{member}|Contacts": None}


def test_when_too_many_are_gone_at_once_none_is_told(crm: VtigerSimulator, tmp_path: Path) -> None:
    """A Vtiger whose database fails tells no relations."""
    state = run(remembering(crm, tmp_path)).state
    there, crm.store.pairs = crm.store.pairs, set()
    crm.clock.advance(60)
    for campaign in ids(crm, "Campaigns"):
        crm.store.change(campaign, {})
    failed = run(remembering(crm, tmp_path), state=state)
    assert "360 of the 360 records that were sent are not listed any more" in failed.exit
    assert STREAM not in failed.records
    crm.store.pairs = there
    result = run(remembering(crm, tmp_path), state=failed.state)
    assert (result.exit, pairs(result)) == ("", stored(crm))
    assert not [each for each in result.records[STREAM] if each.get("_sdc_deleted_at")]
