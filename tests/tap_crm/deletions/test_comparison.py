"""Deletions on a server that does not tell them: what was sent is compared with what is listed."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tap_crm.deletions.comparison import TOLD
from tap_crm.messages import Messages
from tap_crm.sent_keys import SentKeys, open_keys
from tap_crm.streams import CrmStream
from tests.running import SLOW, QuietTap, Run, command, database, discover, finished, only, run
from tests.tap_crm.leads import deleted, leads, live, stored

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from crm_simulators.base import Call
    from crm_simulators.vtiger import VtigerSimulator

    Start = Callable[..., VtigerSimulator]

ROWS = 250


@pytest.fixture
def stock(vtiger: Start) -> VtigerSimulator:
    """A server whose `sync` does not work."""
    return vtiger(rows=ROWS, sync=False)


def comparing(simulator: VtigerSimulator, folder: Path, **more: Any) -> dict[str, Any]:
    return leads(simulator, deletions="compare", keys_url=keys_url(folder), **more)


def keys_url(folder: Path) -> str:
    return f"sqlite:///{folder}/keys.sqlite"


def is_listing(call: Call) -> bool:
    query = call.query.get("query", "")
    return query.startswith("select id from Leads where id > ") and query.endswith(" limit 100;")


def queries(simulator: VtigerSimulator) -> int:
    return sum(call.query.get("operation") == "query" for call in simulator.calls)


def hide(simulator: VtigerSimulator, identifier: str, *, hidden: bool = True) -> None:
    """Takes a record away, or shows it again, without a change of its times."""
    simulator.store.find(identifier).deleted = hidden


def restore(simulator: VtigerSimulator, identifier: str) -> None:
    hide(simulator, identifier, hidden=False)


def test_what_was_purged_where_the_crm_tells_deletions(vtiger: Start, tmp_path: Path) -> None:
    """It forgets them."""
    crm = vtiger(rows=ROWS, sync=True)
    config = comparing(crm, tmp_path)
    first = run(config)
    told, *purged = sorted(live(first))[5:8]
    crm.store.delete(told)
    for identifier in purged:
        crm.store.purge(identifier)
    crm.clock.advance(3600)
    second = run(config, state=first.state)
    assert (second.exit, deleted(second)) == ("", {told, *purged})
    assert run(config, state=second.state).records["Leads"] == []


def test_by_ids_only(stock: VtigerSimulator, tmp_path: Path) -> None:
    config = comparing(stock, tmp_path)
    first = run(config)
    assert not any(map(is_listing, stock.calls)), "a full read notes what it sends"
    gone = sorted(live(first))[5:17]
    for identifier in gone:
        stock.store.delete(identifier)
    stock.clock.advance(3600)
    stock.calls.clear()
    second = run(config, state=first.state)
    assert (second.exit, deleted(second)) == ("", set(gone))
    assert "does not tell deletions" not in second.words
    pages = len(live(first)) / 100
    assert sum(map(is_listing, stock.calls)) <= pages + 2
    third = run(config, state=second.state)
    assert third.records["Leads"] == []
    size = (tmp_path / "keys.sqlite").stat().st_size
    assert size < 16_384 + 200 * len(live(first))


@pytest.mark.parametrize("choice", ["auto", "compare", "off"])
def test_when_it_compares(stock: VtigerSimulator, tmp_path: Path, choice: str) -> None:
    for keys in (None, keys_url(tmp_path)):
        stock.calls.clear()
        config = leads(stock, deletions=choice, keys_url=keys or (keys_url(tmp_path) if choice == "compare" else None))
        first = run(config)
        stock.clock.advance(3600)
        gone = min(live(first))
        stock.store.delete(gone)
        second = run(config, state=first.state)
        compares = choice == "compare" or (choice == "auto" and bool(keys))
        assert deleted(second) == ({gone} if compares else set())
        assert ("does not tell deletions" in second.words) == (choice == "auto" and not keys)


def test_a_converted_lead_is_gone(stock: VtigerSimulator, tmp_path: Path) -> None:
    config = comparing(stock, tmp_path)
    first = run(config)
    stock.clock.advance(3600)
    converted = min(live(first))
    stock.store.find(converted).converted = True
    stock.store.change(converted, {})
    assert deleted(run(config, state=first.state)) == {converted}


def test_too_many_are_not_believed(stock: VtigerSimulator, tmp_path: Path) -> None:
    config = comparing(stock, tmp_path)
    first = run(config)
    known = sorted(live(first))
    most = -(-len(known) // 10)
    for identifier in known[: most + 1]:
        stock.store.delete(identifier)
    stock.clock.advance(3600)
    second = run(config, state=first.state)
    assert f"{most + 1} of the {len(known)} records that were sent are not listed any more" in second.exit
    assert second.records["Leads"] == []
    assert second.bookmark("Leads") == first.bookmark("Leads")
    restore(stock, known[0])
    assert deleted(run(config, state=second.state)) == set(known[1 : most + 1])


def test_what_is_shown_again_is_sent_again(stock: VtigerSimulator, tmp_path: Path) -> None:
    config = comparing(stock, tmp_path)
    catalog = only(discover(config), "Leads")
    first = run(config, catalog=catalog)
    hidden, changed = sorted(live(first))[:2]
    hide(stock, hidden)
    stock.store.delete(changed)
    stock.clock.advance(3600)
    second = run(config, catalog=catalog, state=first.state)
    assert deleted(second) == {hidden, changed}
    restore(stock, hidden)
    restore(stock, changed)
    stock.clock.advance(3600)
    stock.store.change(changed, {"city": "Back"})
    third = run(config, catalog=catalog, state=second.state)
    assert sorted(row["id"] for row in third.records["Leads"]) == sorted([hidden, changed])
    assert live(third)[hidden] == live(first)[hidden]
    assert run(config, state=third.state).records["Leads"] == []
    stock.store.delete(hidden)
    stock.clock.advance(3600)
    assert deleted(run(config, state=third.state)) == {hidden}


def test_the_stream_of_deletions_tells_what_is_back(stock: VtigerSimulator, tmp_path: Path) -> None:
    config = comparing(stock, tmp_path, deletion_records="stream")
    first = run(config)
    hidden, changed = sorted(live(first))[:2]
    hide(stock, hidden)
    stock.store.delete(changed)
    stock.clock.advance(3600)
    second = run(config, state=first.state)
    assert [row["id"] for row in second.records["deleted_records"]] == [hidden, changed]
    restore(stock, hidden)
    restore(stock, changed)
    stock.clock.advance(3600)
    stock.store.change(changed, {"city": "Back"})
    third = run(config, state=second.state)
    assert sorted(live(third)) == [hidden, changed]
    back = {"entity": "Leads", "noticed_at": None}
    assert third.records["deleted_records"] == [{**back, "id": hidden}, {**back, "id": changed}]
    assert not any(run(config, state=third.state).records[name] for name in ("Leads", "deleted_records"))


def test_each_pipeline_is_told_by_its_own_state(stock: VtigerSimulator, tmp_path: Path) -> None:
    config = comparing(stock, tmp_path)
    one, other = run(config), run(config)
    gone, later = sorted(live(one))[:2]
    stock.clock.advance(3600)
    stock.store.delete(gone)
    one = run(config, state=one.state)
    assert deleted(one) == {gone}
    stock.store.delete(later)
    assert deleted(run(config, state=other.state)) == {gone, later}
    assert deleted(run(config, state=one.state)) == {later}
    restore(stock, gone)
    assert deleted(run(config, state=other.state)) == {later}


def test_a_state_that_is_older_than_the_keys(stock: VtigerSimulator, tmp_path: Path) -> None:
    first = run(leads(stock))
    never_sent, before, after = sorted(live(first))[:3]
    stock.store.delete(before)
    stock.clock.advance(3600)
    config = comparing(stock, tmp_path)
    second = run(config, state=first.state)
    assert (second.exit, second.records["Leads"]) == ("", [])
    stock.store.delete(after)
    third = run(config, state=second.state)
    assert deleted(third) == {after}
    (tmp_path / "keys.sqlite").unlink()
    stock.store.delete(never_sent)
    fourth = run(config, state=third.state)
    assert "the state speaks of other keys" in fourth.log
    assert (fourth.exit, fourth.records["Leads"]) == ("", [])
    assert "other keys" not in run(config, state=fourth.state).log


def test_what_was_never_sent_is_not_told(stock: VtigerSimulator, tmp_path: Path) -> None:
    """Records from before `start_date`, when compared from the first run on or from a later one."""
    stock.clock.advance(3600)
    start = stock.clock.now().isoformat()
    new = stock.store.insert("Leads", {"lastname": "New"})
    both = comparing(stock, tmp_path, start_date=start), leads(stock, start_date=start)
    for settings, old in zip(both, sorted(stored(stock) - {new}), strict=False):
        first = run(settings)
        assert set(live(first)) == {new}
        stock.clock.advance(3600)
        config = comparing(stock, tmp_path, start_date=start)
        second = run(config, state=first.state)
        stock.store.delete(old)
        stock.clock.advance(3600)
        assert run(config, state=second.state).records["Leads"] == []


def test_a_record_that_another_run_sends_meanwhile_is_there(stock: VtigerSimulator, tmp_path: Path) -> None:
    config = comparing(stock, tmp_path)
    first = run(config)
    stock.clock.advance(3600)
    added: list[str] = []

    def meanwhile(call: Call) -> None:
        if is_listing(call) and not added:
            # The list ends at the highest id that was there when it began.
            added.append(stock.store.insert("Leads", {"lastname": "Meanwhile"}))
            crm = f"vtiger {stock.url.removeprefix('http://')}"
            engine = open_keys(keys_url(tmp_path))
            SentKeys(engine, crm=crm, account="admin (19x1)", stream="Leads").note(added)
            engine.dispose()

    stock.fault = meanwhile
    second = run(config, state=first.state)
    assert added
    assert deleted(second) == set()
    with database(tmp_path / "keys.sqlite") as keys:
        assert keys.execute("select count(*) from streams").fetchone() == (1,)


def test_told_by_the_crm_and_then_by_comparison(vtiger: Start, tmp_path: Path) -> None:
    simulator = vtiger(rows=ROWS)
    config = leads(simulator, keys_url=keys_url(tmp_path))
    first = run(config)
    told, compared = sorted(live(first))[:2]
    simulator.clock.advance(3600)
    simulator.store.delete(told)
    second = run(config, state=first.state)
    assert deleted(second) == {told}
    assert not any(map(is_listing, simulator.calls))
    simulator.switches = type(simulator.switches)(sync_registered=False)
    simulator.clock.advance(3600)
    simulator.store.delete(compared)
    third = run(config, state=second.state)
    assert deleted(third) == {compared}
    simulator.tell_deletions()
    simulator.clock.advance(3600)
    assert run(config, state=third.state).records["Leads"] == []


def test_what_has_no_place_waits(stock: VtigerSimulator, tmp_path: Path) -> None:
    config = comparing(stock, tmp_path)
    catalog = only(discover(config), "Leads")
    without = json.loads(json.dumps(catalog))
    for part in without["streams"][0]["metadata"]:
        if part["breadcrumb"] == ["properties", "_sdc_deleted_at"]:
            part["metadata"]["selected"] = False
    first = run(config, catalog=without)
    stock.clock.advance(3600)
    gone = min(row["id"] for row in first.records["Leads"])
    stock.store.delete(gone)
    second = run(config, catalog=without, state=first.state)
    assert second.records["Leads"] == []
    assert deleted(run(config, catalog=catalog, state=second.state)) == {gone}


def test_no_state_leaves_before_the_deletions_that_it_tells_of(
    stock: VtigerSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = comparing(stock, tmp_path)
    first = run(config)
    gone = set(sorted(live(first))[:5])
    for identifier in gone:
        stock.store.delete(identifier)
    monkeypatch.setattr(CrmStream, "STATE_MSG_FREQUENCY", 1)
    messages = run(config, state=first.state).messages
    told = [each["value"]["bookmarks"]["Leads"][TOLD] if each["type"] == "STATE" else "" for each in messages]
    before = messages[: told.index(told[-1])]
    assert {each["record"]["id"] for each in before if each.get("stream") == "Leads" and "record" in each} == gone
    assert sum(map(bool, told)) > 3, "the last of them is the only one"


def test_a_key_is_known_before_its_record_leaves(stock: VtigerSimulator, tmp_path: Path) -> None:
    class Dying(Messages):
        def write_page(self, stream: str, version: int | None, records: Sequence[Any]) -> None:
            super().write_page(stream, version, records)
            raise SystemExit

    class DyingTap(QuietTap):
        message_writer_class = Dying

    left = live(run(comparing(stock, tmp_path), tap=DyingTap))
    with database(tmp_path / "keys.sqlite") as keys:
        assert left.keys() == {key for (key,) in keys.execute("SELECT key FROM sent_keys")} != set()


def test_a_stream_that_was_deselected_for_a_while(stock: VtigerSimulator, tmp_path: Path) -> None:
    config = {**comparing(stock, tmp_path), "entities": ["Leads", "Contacts"]}
    catalog = discover(config)
    both = run(config, catalog=only(catalog, "Leads", "Contacts"))
    gone = min(live(both))
    stock.clock.advance(3600)
    stock.store.delete(gone)
    without = run(config, catalog=only(catalog, "Contacts"), state=both.state)
    assert deleted(run(config, catalog=only(catalog, "Leads", "Contacts"), state=without.state)) == {gone}


def test_modules_without_a_time_of_change(stock: VtigerSimulator, tmp_path: Path) -> None:
    config = {**comparing(stock, tmp_path), "entities": ["Currency", "ProductTaxes"]}
    currency = stock.store.insert("Currency", {"currency_name": "Doubloon"})
    first = run(config)
    assert currency in live(first, "Currency")
    asked = queries(stock)
    stock.store.delete(currency)
    second = run(config, state=first.state)
    assert (second.exit, deleted(second, "Currency")) == ("", {currency})
    stock.calls.clear()
    assert deleted(run(config, state=second.state), "Currency") == set()
    assert queries(stock) == asked, "what is read whole is not listed as well"


@pytest.mark.parametrize("url", ["sqlite:////nowhere/keys.sqlite", "what://ever", "pg://a:b@c:d/e"])
def test_keys_that_cannot_be_kept_stop_the_stream(stock: VtigerSimulator, url: str) -> None:
    result = run(leads(stock, keys_url=url))
    assert "The database of the keys that were sent cannot be opened" in result.exit
    assert "Traceback" not in result.everything
    assert url not in result.words


KILLS = int(os.environ.get("KILLS", "3"))


@pytest.mark.parametrize("kill", range(KILLS))
def test_a_run_that_is_killed_loses_no_deletion(stock: VtigerSimulator, tmp_path: Path, kill: int) -> None:
    """Killed at a request of the run that finds deletions, at one that reads and at the last ones."""
    config = comparing(stock, tmp_path)
    first = run(config)
    here = set(live(first))
    stock.clock.advance(3600)
    gone = set(sorted(here)[:9])
    for identifier in gone:
        stock.store.delete(identifier)
    added = stock.store.insert("Leads", {"lastname": "Added"})
    (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
    (tmp_path / "state.json").write_text(json.dumps(first.state), "utf-8")
    stock.calls.clear()
    run({**config, "keys_url": copied(tmp_path)}, state=first.state)
    last = len(stock.calls)
    stock.calls.clear()
    at = last - kill * max(last // KILLS, 1)

    def killed(call: Call) -> None:
        if call.number == at:
            os.kill(process.pid, signal.SIGKILL)

    stock.fault, stock.latency = killed, SLOW
    process = command(f"--config={tmp_path}/config.json", f"--state={tmp_path}/state.json")
    result, _ = finished(process)
    stock.fault, stock.latency = lambda _call: None, 0.0
    whole = "\n".join(line for line in result.output.split("\n") if line.endswith("}"))
    told = Run(whole, "")
    stock.store.delete(added)
    stock.clock.advance(3600)
    again = run(config, state=told.state or first.state)
    assert again.exit == ""
    assert deleted(told) <= gone
    assert gone <= deleted(told) | deleted(again) <= gone | {added}
    assert added not in live(told) or added in deleted(again)
    assert run(config, state=again.state).records["Leads"] == []


def copied(folder: Path) -> str:
    """A copy of the keys, to be used up by a trial run."""
    (folder / "trial.sqlite").write_bytes((folder / "keys.sqlite").read_bytes())
    return f"sqlite:///{folder}/trial.sqlite"
