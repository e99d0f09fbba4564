"""A stream that was renamed is not written once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.target_crm.writing import pipe, run, settings, stored

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator

ANN = {"id": 1, "lastname": "Ann", "email": "ann@example.com"}


@pytest.mark.parametrize("changed", [{}, {"title": "CEO"}], ids=["as it was", "changed"])
@pytest.mark.parametrize("dry_run", [True, False])
def test_a_record_that_came_by_another_stream_stops_the_run(
    crm: VtigerSimulator, tmp_path: Path, dry_run: bool, changed: dict[str, str]
) -> None:
    streams: dict[str, Any] = {"people": {"entity": "Contacts"}, "persons": {"entity": "Contacts"}}
    config = settings(crm, tmp_path, identify_by="ledger", streams=streams)
    run(config, pipe("people", [ANN]))
    end = run({**config, "dry_run": dry_run}, pipe("persons", [{**ANN, **changed}])).exit
    assert "The record 1 of the stream persons is what the ledger knows by the stream people" in end
    assert len(stored(crm, "Contacts", lastname="Ann")) == 1
    # Another one may well have the same key there.
    assert run(config, pipe("persons", [{**ANN, "lastname": "Bea"}])).exit == ""
    assert len(stored(crm, "Contacts", email="ann@example.com")) == 2


@pytest.mark.parametrize(("before", "after"), [({}, {"source": "hubspot"}), ({"source": "hubspot"}, {})])
def test_a_source_that_gets_a_name_or_loses_it_does_not_make_all_once_more(
    crm: VtigerSimulator, tmp_path: Path, before: dict[str, str], after: dict[str, str]
) -> None:
    config = settings(crm, tmp_path, identify_by="ledger")
    run({**config, **before}, pipe("Contacts", [ANN]))
    end = run({**config, **after}, pipe("Contacts", [{**ANN, "title": "CEO"}])).exit
    assert f"by the stream Contacts from {before.get('source', 'default')} to Vtiger" in end
    assert len(stored(crm, "Contacts", lastname="Ann")) == 1
    # Another source may well have the same keys.
    assert run({**config, **after}, pipe("Contacts", [{**ANN, "lastname": "Bea"}])).exit == ""
    assert "1 create" in run({**config, **after}, pipe("Contacts", [ANN | {"id": 2}])).line("Contacts")


def test_sources_that_have_names_may_bring_the_same(crm: VtigerSimulator, tmp_path: Path) -> None:
    config = settings(crm, tmp_path, identify_by="ledger")
    for source in ("hubspot", "pipedrive"):
        assert run({**config, "source": source}, pipe("Contacts", [ANN])).exit == ""
    assert len(stored(crm, "Contacts", lastname="Ann")) == 2
