"""What an adversary would try so that a record is doubled or lost."""

from __future__ import annotations

import io
import threading
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Answer, Fault
from target_crm.writing.creation.creator import PATIENT_LOOKS
from tests.target_crm.processes import lines_of
from tests.target_crm.writing import QuietTarget, one, pipe, run, settings, stored, writes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crm_simulators.base import Call
    from crm_simulators.vtiger import VtigerSimulator
    from target_crm.target import CrmTarget

ANN = {"id": "1", "lastname": "Novák", "email": "ann@example.com", "title": "CEO"}
BY_LEDGER = {"identify_by": "ledger"}


def creates(call: Call) -> bool:
    """Whether a request creates something."""
    return call.form.get("operation") == "create"


def once(fault: Fault) -> Callable[[Call], Fault | None]:
    """The fault at the first create only."""
    left = [fault]
    return lambda call: left.pop() if creates(call) and left else None


def sleeping(wake: Callable[[], object]) -> type[CrmTarget]:
    """A target for which something happens while it waits for the first time."""
    todo = [wake]

    def nap(seconds: float) -> None:  # noqa: ARG001 - called as sleep is
        while todo:
            todo.pop()()

    class Sleeper(QuietTarget):
        sleep = staticmethod(nap)

    return Sleeper


def test_a_create_that_is_still_running_when_the_answer_is_lost_is_waited_for(
    crm: VtigerSimulator, tmp_path: Path
) -> None:
    crm.fault = once(Fault.ERROR_BEFORE)
    late = sleeping(lambda: _insert(crm, ANN))
    assert run(settings(crm, tmp_path, **BY_LEDGER), pipe("Contacts", [ANN]), target=late).exit == ""
    assert one(crm, "Contacts", email="ann@example.com")
    assert len([call for call in crm.calls if creates(call)]) == 1


def _insert(crm: VtigerSimulator, person: dict[str, Any], **more: Any) -> str:
    return crm.store.insert("Contacts", {name: value for name, value in {**person, **more}.items() if name != "id"})


@pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.REFUSED, Fault.ERROR_AFTER, Fault.ERROR_BEFORE])
@pytest.mark.parametrize("parallel", [1, 4])
def test_identical_records_with_different_keys_stay_different(
    crm: VtigerSimulator, tmp_path: Path, fault: Fault, parallel: int
) -> None:
    twins = [{**ANN, "id": str(number)} for number in range(8)]
    config = settings(crm, tmp_path, **BY_LEDGER, parallel_requests=parallel)
    turn = count()
    crm.fault = lambda call: fault if creates(call) and next(turn) % 2 else None
    run(config, pipe("Contacts", twins))
    crm.fault = lambda _call: None
    assert run(config, pipe("Contacts", twins)).exit == ""
    assert len(stored(crm, "Contacts", email="ann@example.com")) == 8
    run(config, pipe("Contacts", [{**each, "title": each["id"]} for each in twins]))
    assert {each["title"] for each in stored(crm, "Contacts", email="ann@example.com")} == set("01234567")


@pytest.mark.sweep
@pytest.mark.parametrize(
    "altered",
    [
        {"lastname": "n" * 300},
        {"title": "\U0001f680\U0001f680"},
        {"description": "<script>x</script>"},
        {"department": "<b>bold</b><script>alert(1)</script>"},
        {"department": "Research, not development & <script>"},
        {"lastname": "a &amp; b", "title": "  blanks  "},
        {"cf_855": 1.23456},
        {"cf_881": "9:30"},
    ],
    ids=",".join,
)
@pytest.mark.parametrize("by", ["ledger", ["lastname"]], ids=str)
def test_a_lost_answer_is_found_although_the_server_altered_the_record(
    crm: VtigerSimulator, tmp_path: Path, altered: dict[str, Any], by: Any
) -> None:
    crm.fault = once(Fault.LOST_ANSWER)
    config = settings(crm, tmp_path, identify_by=by)
    assert run(config, pipe("Contacts", [{**ANN, **altered}])).exit == ""
    run(config, pipe("Contacts", [{**ANN, **altered, "phone": "1"}]))
    assert one(crm, "Contacts", email="ann@example.com")["phone"] == "1"


def killed(
    config: dict[str, Any], crm: VtigerSimulator, messages: list[dict[str, Any]], fault: Fault = Fault.LOST_ANSWER
) -> None:
    """A run that ends, as if killed, between a create that is carried out, unless the fault says no, and its note."""

    class Killed(BaseException):
        pass

    def die(seconds: float) -> None:  # noqa: ARG001 - called as sleep is
        raise Killed

    class Dying(QuietTarget):
        sleep = staticmethod(die)

    crm.fault = once(fault)
    with pytest.raises(Killed):
        run(config, messages, target=Dying)
    crm.fault = lambda _call: None


@pytest.mark.parametrize("by", ["ledger", ["email"]], ids=str)
@pytest.mark.parametrize("change", [{"title": "Promoted"}, {"lastname": "Married"}, {"phone": "1", "mobile": "2"}])
def test_a_record_that_somebody_changed_before_the_next_run_is_recognised(
    crm: VtigerSimulator, tmp_path: Path, by: Any, change: dict[str, str]
) -> None:
    config = settings(crm, tmp_path, identify_by=by)
    killed(config, crm, pipe("Contacts", [ANN]))
    crm.clock.advance(600)
    crm.store.change(one(crm, "Contacts", email="ann@example.com")["id"], change)
    assert run(config, pipe("Contacts", [ANN])).exit == ""
    assert one(crm, "Contacts", email="ann@example.com")["lastname"] == "Novák"


@pytest.mark.parametrize(("name", "ours", "theirs"), [("birthday", "1990-01-02", "1991-01-02"), ("cf_857", "7", "8")])
@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.LOST_ANSWER], ids=lambda fault: fault.name)
def test_what_is_recognised_by_another_value_is_not_what_a_lost_create_made(
    crm: VtigerSimulator, tmp_path: Path, name: str, ours: str, theirs: str, fault: Fault
) -> None:
    config, person = settings(crm, tmp_path, identify_by=[name]), {"id": "1", "lastname": "Novák", name: ours}
    killed(config, crm, pipe("Contacts", [person]), fault)
    _insert(crm, {"lastname": "Novák", name: theirs}, assigned_user_id="19x1")
    assert run(config, pipe("Contacts", [person])).exit == ""
    assert sorted(each[name] for each in stored(crm, "Contacts", lastname="Novák")) == [ours, theirs]


@pytest.mark.parametrize(("name", "ours", "theirs"), [("birthday", "1990-01-02", "1991-01-02"), ("cf_857", "7", "8")])
def test_one_with_the_same_texts_and_another_day_or_number_is_not_taken_for_ours(
    crm: VtigerSimulator, tmp_path: Path, name: str, ours: str, theirs: str
) -> None:
    config, person = settings(crm, tmp_path, **BY_LEDGER), {"id": "1", "lastname": "Novák", name: ours}
    killed(config, crm, pipe("Contacts", [person]), Fault.REFUSED)
    other = _insert(crm, {"lastname": "Novák", name: theirs}, assigned_user_id="19x1")
    assert f"whether it made {other} cannot be told" in run(config, pipe("Contacts", [person])).exit
    assert one(crm, "Contacts", lastname="Novák")[name] == theirs


@pytest.mark.parametrize("by", ["ledger", ["phone"]], ids=str)
def test_who_has_our_number_in_another_town_is_not_taken_for_what_a_lost_create_made(
    crm: VtigerSimulator, tmp_path: Path, by: Any
) -> None:
    config, ours = settings(crm, tmp_path, identify_by=by), {"id": "1", "lastname": "Novák", "phone": "+49 30 1234567"}
    killed(config, crm, pipe("Contacts", [ours]), Fault.REFUSED)
    _insert(crm, {**ours, "phone": "+49 40 1234567"}, assigned_user_id="19x1")
    assert run(config, pipe("Contacts", [ours])).exit == ""
    assert len(stored(crm, "Contacts", lastname="Novák")) == 2


def test_where_a_create_that_was_cut_off_cannot_be_looked_for_its_record_alone_is_rejected(
    crm: VtigerSimulator, tmp_path: Path
) -> None:
    more = {"max_rejects": -1, "rejects_path": str(tmp_path / "rejects")}
    config, bob = settings(crm, tmp_path, **BY_LEDGER, **more), {"id": "2", "lastname": "Bob"}
    killed(config, crm, pipe("Contacts", [ANN]))
    proper = crm.answer

    def deny(call: Call) -> Answer:
        is_look = "from Contacts where" in call.query.get("query", "")
        return Answer(b'{"success":false,"error":{"code":"ACCESS_DENIED"}}') if is_look else proper(call)

    crm.answer = deny
    result = run(config, pipe("Contacts", [ANN, bob]))
    assert "1 is rejected: the answer to its create was lost, and looking for it fails: " in result.log
    assert one(crm, "Contacts", lastname="Bob")
    crm.answer = proper
    assert run(config, pipe("Contacts", [ANN, bob])).line("Contacts").endswith("2 unchanged")
    assert one(crm, "Contacts", lastname="Novák")


def test_a_clock_that_is_far_off_does_not_matter(crm: VtigerSimulator, tmp_path: Path) -> None:
    for skew in (-86_400 * 30, 86_400 * 60):
        crm.clock.advance(skew)
        config = settings(crm, tmp_path, **BY_LEDGER, source=str(skew))
        killed(config, crm, pipe("Contacts", [{**ANN, "email": str(skew)}]))
        crm.clock.advance(3)
        run(config, pipe("Contacts", [{**ANN, "email": str(skew)}]))
        assert one(crm, "Contacts", email=str(skew))


@pytest.mark.parametrize("parallel", [1, 4])
def test_duplicates_in_one_batch_are_one_record(crm: VtigerSimulator, tmp_path: Path, parallel: int) -> None:
    same = ("ann@example.com", "ANN@example.com", "Ann@Example.com")
    people = [{**ANN, "id": str(number), "email": same[number % 3], "phone": str(number)} for number in range(12)]
    config = settings(crm, tmp_path, identify_by=["email"], parallel_requests=parallel)
    assert run(config, pipe("Contacts", people)).exit == ""
    assert len(writes(crm)) == 12
    assert one(crm, "Contacts", lastname="Novák")["phone"] == "11", "in the order in which they came"
    by_key = [{**ANN, "id": "k", "email": f"{number}@x.cz", "phone": str(number)} for number in range(12)]
    run(settings(crm, tmp_path, **BY_LEDGER, parallel_requests=parallel), pipe("Contacts", by_key))
    assert one(crm, "Contacts", phone="11", email="11@x.cz")
    assert stored(crm, "Contacts", email="3@x.cz") == []


def test_a_number_matches_however_it_is_written(crm: VtigerSimulator, tmp_path: Path) -> None:
    people = [{"id": str(key), "lastname": "N", "cf_857": value} for key, value in enumerate((7, "7", "07", 7.0))]
    config = settings(crm, tmp_path, identify_by=["cf_857"], parallel_requests=4)
    assert run(config, pipe("Contacts", people)).exit == ""
    assert one(crm, "Contacts", lastname="N")


@pytest.mark.parametrize("by", [["email"], ["lastname", "email"]], ids=str)
def test_a_ledger_that_was_deleted_doubles_nothing_by_match(crm: VtigerSimulator, tmp_path: Path, by: Any) -> None:
    for _turn in range(2):
        run(settings(crm, tmp_path, identify_by=by), pipe("Contacts", [ANN]))
        (tmp_path / "ledger.sqlite").unlink()
    assert one(crm, "Contacts", email="ann@example.com")


@pytest.mark.parametrize("by", ["ledger", ["email"]], ids=str)
def test_a_record_that_was_deleted_in_the_crm_is_not_silently_made_again(
    crm: VtigerSimulator, tmp_path: Path, by: Any
) -> None:
    config = settings(crm, tmp_path, identify_by=by)
    run(config, pipe("Contacts", [ANN]))
    crm.store.delete(one(crm, "Contacts", email="ann@example.com")["id"])
    result = run(config, pipe("Contacts", [{**ANN, "title": "x"}]))
    assert "which an earlier run wrote, is gone from the CRM, or this user may not see it" in result.exit
    assert stored(crm, "Contacts", email="ann@example.com") == []


@pytest.mark.parametrize("turn", range(5))
def test_two_runs_at_once_with_one_ledger_double_nothing(crm: VtigerSimulator, tmp_path: Path, turn: int) -> None:
    people = [{**ANN, "id": str(number), "email": f"{number}@x.cz"} for number in range(20)]
    config = settings(crm, tmp_path, **BY_LEDGER, max_rejects=-1, rejects_path=str(tmp_path / "rejects"))
    both = [QuietTarget(config=config, parse_env_config=False) for _run in range(2)]
    crm.latency = 0.002 * turn
    threads = [threading.Thread(target=_feed, args=(target, pipe("Contacts", people))) for target in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(stored(crm, "Contacts", email=each["email"])) for each in people] == [1] * 20
    again = run(config, pipe("Contacts", people))
    assert again.line("Contacts").endswith("20 unchanged")


def _feed(target: CrmTarget, messages: list[dict[str, Any]]) -> None:
    target.process_lines(io.StringIO(lines_of(messages)))
    target.process_endofpipe()


@pytest.mark.parametrize("value", ["\U0001f680", "rocket \U0001f680 man"])
def test_an_emoji_in_a_match_field_doubles_nothing(crm: VtigerSimulator, tmp_path: Path, value: str) -> None:
    config = settings(crm, tmp_path, identify_by=["title"])
    for phone in ("1", "2", "2"):
        run(config, pipe("Contacts", [{**ANN, "title": value, "phone": phone}]))
    assert one(crm, "Contacts", email="ann@example.com")["phone"] == "2"


def test_a_look_up_that_the_database_refuses_is_never_an_absence(crm: VtigerSimulator, tmp_path: Path) -> None:
    answer = crm.answer

    def refuse(call: Call) -> Answer:
        # Its character set has no such letters, and the server answers its own error by an empty list.
        is_odd = any(ord(letter) > 0xFFFF for letter in call.query.get("query", ""))
        return Answer(b'{"success":true,"result":[]}') if is_odd else answer(call)

    crm.answer = refuse
    result = run(settings(crm, tmp_path, identify_by=["title"]), pipe("Contacts", [{**ANN, "title": "\U0001f680"}]))
    assert "the record 1 is rejected: Contacts: the server could not look the record up (empty answer)." in result.exit
    assert writes(crm) == []


def test_a_database_that_goes_down_under_a_look_up_rejects_no_record(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, **BY_LEDGER)
    run(config, pipe("Contacts", [ANN]))
    answer, is_up = crm.answer, iter([False])

    def go_down(call: Call) -> Answer:
        # In the middle of the query: success, and no rows (measured on 8.0.0).
        is_cut = " or id = " in call.query.get("query", "") and not next(is_up, True)
        return Answer(b'{"success":true,"result":[]}') if is_cut else answer(call)

    crm.answer = go_down
    assert run(config, pipe("Contacts", [{**ANN, "phone": "2"}])).exit == ""
    assert one(crm, "Contacts", email="ann@example.com")["phone"] == "2"


def test_an_entity_that_changes_under_a_stream_is_another_record(crm: VtigerSimulator, tmp_path: Path) -> None:
    person = {"id": "1", "lastname": "Novák", "company": "Acme"}
    for entity in ("Contacts", "Leads", "Leads"):
        streams = {"people": {"entity": entity}}
        config = settings(crm, tmp_path, **BY_LEDGER, streams=streams, unknown_fields="drop")
        assert run(config, pipe("people", [person])).exit == ""
    assert one(crm, "Leads", lastname="Novák")
    assert one(crm, "Contacts", lastname="Novák")


def test_a_create_that_outlasts_the_time_out_is_waited_for(crm: VtigerSimulator, tmp_path: Path) -> None:
    proper, tries, naps = crm.answer, iter(range(100)), iter(range(100))

    def late(call: Call) -> Answer:
        return Answer(b"<html>504</html>", 504, "text/html") if creates(call) and next(tries) == 0 else proper(call)

    def nap(seconds: float) -> None:  # noqa: ARG001 - called as sleep is
        if next(naps) == PATIENT_LOOKS:
            _insert(crm, ANN)

    class Sleeper(QuietTarget):
        sleep = staticmethod(nap)

    crm.answer = late
    assert run(settings(crm, tmp_path, **BY_LEDGER), pipe("Contacts", [ANN]), target=Sleeper).exit == ""
    assert one(crm, "Contacts", email="ann@example.com")
    assert next(naps) > PATIENT_LOOKS
