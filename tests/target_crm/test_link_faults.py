"""References that are set later, and a server that fails over setting them."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
