"""References that are set later: a server that fails over them, and what was deleted and is there anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crm_simulators.base import Fault
from tests.target_crm.writing import one, pipe, run, settings, state

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator


def test_a_reference_that_the_server_fails_over_stays_open_and_the_run_goes_on(
    crm: VtigerSimulator, tmp_path: Path
) -> None:
    contacts = pipe("Contacts", [{"id": "c1", "lastname": "Novák", "account_id": "a1"}])
    told = [*contacts, *pipe("Accounts", [{"id": "a1", "accountname": "Acme"}]), state(1)]
    config = settings(crm, tmp_path, identify_by="ledger")
    crm.fault = lambda call: Fault.ERROR_BEFORE if call.form.get("operation") == "revise" else None
    failed = run(config, told)
    assert failed.exit == ""
    assert "account_id of the record c1 stays empty" in failed.log
    assert failed.line("Contacts").endswith("references left open: account_id (1)")
    assert failed.states == [{"at": 1}]
    crm.fault = lambda _call: None
    assert run(config, told).exit == ""
    assert one(crm, "Contacts", lastname="Novák")["account_id"] == one(crm, "Accounts", accountname="Acme")["id"]


@pytest.mark.parametrize("is_early", [True, False], ids=["it comes before", "it comes after"])
def test_a_reference_to_what_was_deleted_and_came_anew_is_set_again(
    crm: VtigerSimulator, tmp_path: Path, is_early: bool
) -> None:
    config = settings(crm, tmp_path, identify_by="ledger", deletes="apply")
    acme = {"id": "a1", "accountname": "Acme"}
    ann = {"id": "c1", "lastname": "Nova", "account_id": "a1"}
    run(config, [*pipe("Accounts", [acme]), *pipe("Contacts", [ann])])
    run(config, pipe("Accounts", [{**acme, "_sdc_deleted_at": "2026-01-01T00:00:00Z"}]))
    again, changed = pipe("Accounts", [acme]), pipe("Contacts", [{**ann, "title": "CEO"}])
    result = run(config, [*changed, *again] if is_early else [*again, *changed])
    assert (result.exit, "both sides" in result.log) == ("", False)
    assert one(crm, "Contacts", title="CEO")["account_id"] == one(crm, "Accounts", accountname="Acme")["id"]
