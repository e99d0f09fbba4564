"""A create whose answer does not say that nothing was done: it is looked for before anything is sent again."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Answer, Call
from tests.contract.subjects import Subject, records
from tests.target_crm.writing import Run, record, run, schema

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.base import Simulator

NEW = 2
PAGE = "text/html"
ANSWERS: dict[str, Answer] = {
    "a redirect": Answer(b"", 302, PAGE, {"Location": "/index.php"}),
    "a permanent redirect": Answer(b"", 308, PAGE, {"Location": "http://[broken"}),
    "not modified": Answer(b"", 304),
    "too many requests": Answer(b"", 429, PAGE, {"Retry-After": "1"}),
    "time-out": Answer(b"", 408, PAGE),
    "too early": Answer(b"", 425, PAGE),
    "internal error": Answer(b"", 500, PAGE),
    "bad gateway": Answer(b"<html>502</html>", 502, PAGE),
    "unavailable": Answer(b"<html>503</html>", 503, PAGE, {"Retry-After": "2"}),
    "gateway time-out": Answer(b"<html>504</html>", 504, PAGE),
    "a stranger's status": Answer(b"", 520, PAGE),
    "a page": Answer(b"<html>Sorry! Attempt to access restricted file.</html>", 200, PAGE),
    "nothing": Answer(b"", 200),
    "no content": Answer(b"", 204),
    "half an answer": Answer(b'{"success": true, "result": {"id": "12x', 200),
}


def load(subject: Subject, crm: Simulator, folder: Path, **more: Any) -> Run:
    """Writes new records."""
    incoming = [{"key": f"k{n}", **subject.values(n)} for n in range(NEW)]
    messages = [schema(subject.entity, incoming[0], ["key"]), *(record(subject.entity, **each) for each in incoming)]
    config = {**subject.config(crm), "ledger_url": f"sqlite:///{folder}/ledger.sqlite", "identify_by": "ledger"}
    config |= more
    return run(config, messages)


def wanted(subject: Subject) -> list[str]:
    return [str(subject.values(n)[subject.match]) for n in range(NEW)]


def there(subject: Subject, crm: Simulator) -> Counter[str]:
    """How often each new record is in the CRM."""
    rows = records(crm, subject.entity)
    return Counter(row[subject.match] for row in rows if row.get(subject.match) in wanted(subject))


def is_create(call: Call) -> bool:
    """Whether a request creates a record, in the words of any system."""
    return (
        call.form.get("operation") == "create"
        or call.path.endswith("/create")
        or (call.method == "POST" and call.path.rpartition("/api/")[2] == "parties")
    )


@pytest.mark.sweep
@pytest.mark.parametrize("done", [True, False], ids=["carried out", "not carried out"])
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
def test_it_is_looked_for(subject: Subject, tmp_path: Path, answer: Answer, *, done: bool) -> None:
    with subject.start(5) as crm:
        proper, creates = crm.answer, iter(range(1000))

        def once(call: Call) -> Answer:
            if not is_create(call) or next(creates) != 0:
                return proper(call)
            if done:
                assert proper(call).status in range(200, 300)
            return answer

        crm.answer = once
        result = load(subject, crm, tmp_path)
        assert result.exit == ""
        assert there(subject, crm) == Counter(wanted(subject))
        assert f"{NEW} create" in result.line(subject.entity)
        assert load(subject, crm, tmp_path).exit == ""
        assert there(subject, crm) == Counter(wanted(subject))


def test_one_that_the_server_made_and_cannot_show_is_not_made_again(subject: Subject, tmp_path: Path) -> None:
    spoilt, more = wanted(subject)[0], {"max_rejects": -1, "rejects_path": str(tmp_path / "rejects")}
    with subject.start(5) as crm:
        proper = crm.answer

        def fail(call: Call) -> Answer:
            told = proper(call)
            shown = (json.dumps(spoilt, ensure_ascii=each)[1:-1].encode() in told.body for each in (True, False))
            is_it = is_create(call) and there(subject, crm)[spoilt] and not there(subject, crm)[wanted(subject)[1]]
            return Answer(b"", 500) if is_it or any(shown) else told

        crm.answer = fail
        for _turn in range(2):
            assert "Traceback" not in load(subject, crm, tmp_path, **more).everything
            assert there(subject, crm) == Counter(wanted(subject))
        crm.answer = proper
        assert f"{NEW} unchanged" in load(subject, crm, tmp_path).line(subject.entity)


@pytest.mark.parametrize("status", [403, 404, 500])
def test_one_after_which_all_else_fails_is_not_made_again(subject: Subject, tmp_path: Path, status: int) -> None:
    with subject.start(5) as crm:
        proper = crm.answer

        def fail(call: Call) -> Answer:
            is_made = bool(there(subject, crm)) and not is_create(call)
            return Answer(b"", status) if is_made else proper(call)

        crm.answer = fail
        assert "Traceback" not in load(subject, crm, tmp_path).everything
        crm.answer = proper
        assert load(subject, crm, tmp_path).exit == ""
        assert there(subject, crm) == Counter(wanted(subject))


@pytest.mark.sweep
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
def test_one_that_is_never_carried_out_ends_in_a_sentence(subject: Subject, tmp_path: Path, answer: Answer) -> None:
    with subject.start(5) as crm:
        proper = crm.answer
        crm.answer = lambda call: answer if is_create(call) else proper(call)
        result = load(subject, crm, tmp_path)
        assert "Traceback" not in result.everything
        assert result.exit.startswith("target-crm: ")
        crm.answer = proper
        assert load(subject, crm, tmp_path).exit == ""
        assert there(subject, crm) == Counter(wanted(subject))


@pytest.mark.sweep
@pytest.mark.parametrize("status", [400, 403, 404, 409, 422])
def test_a_refusal_that_tells_the_id_of_the_record_is_looked_into(
    subject: Subject, tmp_path: Path, status: int
) -> None:
    with subject.start(5) as crm:
        proper = crm.answer

        def refuse(call: Call) -> Answer:
            told = proper(call)
            return replace(told, status=status) if is_create(call) else told

        crm.answer = refuse
        result = load(subject, crm, tmp_path)
        assert result.exit == ""
        assert f"{NEW} create" in result.line(subject.entity)
        assert there(subject, crm) == Counter(wanted(subject))


@pytest.mark.parametrize(
    ("status", "done"),
    [(401, True), (403, True), (406, True), (403, False)],
    ids=["401", "403", "406", "403, not done"],
)
def test_a_page_that_refuses_is_not_taken_for_the_crms_own_word(
    subject: Subject, tmp_path: Path, status: int, *, done: bool
) -> None:
    with subject.start(5) as crm:
        proper, creates = crm.answer, iter(range(1000))

        def guarded(call: Call) -> Answer:
            if not is_create(call) or next(creates) != 0:
                return proper(call)
            if done:
                proper(call)
            return Answer(b"<html><h1>Blocked by the firewall</h1></html>", status, PAGE)

        crm.answer = guarded
        result = load(subject, crm, tmp_path)
        assert "Traceback" not in result.everything
        if done:
            assert result.exit == ""
            assert there(subject, crm) == Counter(wanted(subject))
        assert load(subject, crm, tmp_path).exit == ""
        assert there(subject, crm) == Counter(wanted(subject))
