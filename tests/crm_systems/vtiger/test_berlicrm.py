"""berliCRM decodes HTML entities where nobody asked for it, and refuses what its lists do not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crm_simulators.base import Answer
from crm_simulators.vtiger import Switches, VtigerSimulator
from tests.running import discover
from tests.target_crm.writing import one, pipe, run, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crm_simulators.base import Call

TEXTS = {"description": "R&amp;D &eacute;", "bill_city": "q&lt;b", "website": "https://example.com/?a=1&copy=2"}


@pytest.fixture
def crm() -> Iterator[VtigerSimulator]:
    """A berliCRM without records."""
    with VtigerSimulator(rows=0, flavour="vtiger-8.0", switches=Switches(is_berlicrm=True)) as simulator:
        yield simulator


def test_texts_that_nobody_changed_stay(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, identify_by="ledger", default_owner="admin")
    for phone in ("1", "2"):
        result = run(config, pipe("Accounts", [{"id": "1", "accountname": "Novák &amp; Co", "phone": phone, **TEXTS}]))
        assert result.exit == ""
        assert "stored otherwise" not in result.log
        account = one(crm, "Accounts", accountname="Novák &amp; Co", phone=phone)
        assert {name: account[name] for name in TEXTS} == TEXTS
    changed = pipe("Accounts", [{"id": "1", "accountname": "Novák &amp; Co", **TEXTS, "description": "R&D"}])
    result = run(config, changed)
    assert "stored otherwise" not in result.log
    assert one(crm, "Accounts", accountname="Novák &amp; Co")["description"] == "R&D"


@pytest.mark.parametrize("status", [403, 500])
def test_what_was_made_is_not_made_again_where_looking_at_it_fails(
    crm: VtigerSimulator, tmp_path: Path, status: int
) -> None:
    config = settings(crm, tmp_path, identify_by="ledger", default_owner="admin")
    proper, account = crm.answer, pipe("Accounts", [{"id": "1", "accountname": "Novák &amp; Co", **TEXTS}])

    def fail(call: Call) -> Answer:
        is_look = call.query.get("operation") == "query" and crm.store.records("Accounts")
        return Answer(b"", status) if is_look else proper(call)

    crm.answer = fail
    assert "Traceback" not in run(config, account).everything
    crm.answer = proper
    assert "1 unchanged" in run(config, account).line("Accounts")
    assert len(crm.store.records("Accounts")) == 1


def test_that_it_names_no_files_is_said(crm: VtigerSimulator) -> None:
    with pytest.raises(SystemExit, match="the CRM hands out none"):
        discover({**crm.config(), "entities": ["Documents"], "files": "content"})


def test_a_value_that_no_list_has_is_not_called_a_lack_of_rights(crm: VtigerSimulator, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.jsonl"
    config = settings(
        crm, tmp_path, identify_by="ledger", default_owner="admin", rejects_path=str(rejects), max_rejects=1
    )
    result = run(config, pipe("Leads", [{"id": "1", "lastname": "x", "company": "y", "leadstatus": "Odd) for z (a"}]))
    assert "create: the CRM refuses this (ACCESS_DENIED): it does not take the value of `leadstatus`." in result.log
    assert "Odd" not in result.log
    assert "Illegal value" in rejects.read_text()
