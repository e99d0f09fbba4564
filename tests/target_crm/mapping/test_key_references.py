"""What names a record by another spelling of its key finds it: before it comes, after it, in a dry run, by deletion."""

from __future__ import annotations

import json
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from tests.target_crm.writing import one, pipe, run, settings, stored

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator

SPELLINGS = ["11", "11.0", '"11"']
PAIRS = list(product(SPELLINGS, SPELLINGS))
INTEGER = {"type": ["integer", "null"]}


def account(key: str, **more: Any) -> list[str]:
    """The messages of an account whose key is given as JSON."""
    first, record = pipe("Accounts", [{"id": 0, "accountname": "Parent", **more}])
    first["schema"]["properties"]["id"] = INTEGER
    return [json.dumps(first), json.dumps(record).replace('"id": 0', f'"id": {key}')]


def contact(key: str) -> list[str]:
    """The messages of a contact that names its account by a key given as JSON."""
    first, record = pipe("Contacts", [{"id": 1, "lastname": "Child", "account_id": 0}])
    return [json.dumps(first), json.dumps(record).replace('"account_id": 0', f'"account_id": {key}')]


@pytest.mark.sweep
@pytest.mark.parametrize("child_first", [False, True])
@pytest.mark.parametrize(("parent", "child"), PAIRS)
def test_a_reference_finds_its_record(
    crm: VtigerSimulator, tmp_path: Path, parent: str, child: str, *, child_first: bool
) -> None:
    config = settings(crm, tmp_path, identify_by="ledger")
    messages = [*contact(child), *account(parent)] if child_first else [*account(parent), *contact(child)]
    planned = run({**config, "dry_run": True}, messages)
    assert (planned.exit, "left open" in planned.log) == ("", False)
    result = run(config, messages)
    assert (result.exit, "left open" in result.log) == ("", False)
    known = one(crm, "Accounts", accountname="Parent")["id"]
    assert one(crm, "Contacts", lastname="Child")["account_id"] == known
    assert "1 unchanged" in run(config, contact(parent)).line("Contacts")


@pytest.mark.parametrize("child", SPELLINGS)
def test_a_link_left_open_by_one_run_is_closed_by_another(crm: VtigerSimulator, tmp_path: Path, child: str) -> None:
    config = settings(crm, tmp_path, identify_by="ledger")
    assert "left open" in run(config, contact(child)).line("Contacts")
    run(config, [*contact(child)[:1], *account("11.0")])
    known = one(crm, "Accounts", accountname="Parent")["id"]
    assert one(crm, "Contacts", lastname="Child")["account_id"] == known


@pytest.mark.parametrize("key", SPELLINGS)
def test_a_deletion_finds_its_record(crm: VtigerSimulator, tmp_path: Path, key: str) -> None:
    config = settings(crm, tmp_path, identify_by="ledger", deletes="apply")
    run(config, account("11"))
    result = run(config, account(key, _sdc_deleted_at="2026-01-31T00:00:00Z"))
    assert "1 delete" in result.line("Accounts")
    assert stored(crm, "Accounts", accountname="Parent") == []


@pytest.mark.parametrize("value", [["11"], {"id": 11}, float("inf")])
def test_a_reference_that_is_no_key_is_refused(crm: VtigerSimulator, tmp_path: Path, value: Any) -> None:
    result = run(settings(crm, tmp_path, identify_by="ledger"), contact(json.dumps(value)))
    assert "its account_id is no reference" in result.exit
