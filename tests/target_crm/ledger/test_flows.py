"""Which pipelines may share a ledger: pairs and chains of pairs, no rings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.running import database
from tests.target_crm.writing import Run, one, pipe, run, settings, writes

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.vtiger import VtigerSimulator


def carry(crm: VtigerSimulator, folder: Path, source: str, destination: str, *keys: str) -> Run:
    """Lets a pipeline between two named CRMs bring records; all of them stand in one simulator."""
    config = settings(crm, folder, identify_by="ledger", source=source, destination=destination)
    return run(config, pipe("Contacts", [{"id": key, "lastname": "Ann"} for key in keys]))


def test_a_ring_of_pipelines_is_refused_before_it_makes_anything(crm: VtigerSimulator, tmp_path: Path) -> None:
    carry(crm, tmp_path, "a", "b", "12x1")
    carry(crm, tmp_path, "b", "c", one(crm, "Contacts", lastname="Ann")["id"])
    before = len(writes(crm))
    assert "a ring, from a by b to c" in carry(crm, tmp_path, "c", "a", "12x3").exit
    assert len(writes(crm)) == before


def test_a_chain_of_pairs_is_no_ring(crm: VtigerSimulator, tmp_path: Path) -> None:
    for number, (source, destination) in enumerate([("a", "b"), ("b", "c"), ("c", "b"), ("b", "a")]):
        assert carry(crm, tmp_path, source, destination, f"12x10{number}").exit == ""


def test_a_pipeline_that_gets_a_name_does_not_make_all_once_more(crm: VtigerSimulator, tmp_path: Path) -> None:
    one_way = settings(crm, tmp_path, identify_by="ledger")
    run(one_way, pipe("Contacts", [{"id": "12x1", "lastname": "Ann"}]))
    assert "from the `source` default" in carry(crm, tmp_path, "a", "b", "12x1").exit
    assert one(crm, "Contacts", lastname="Ann")
    with database(tmp_path / "ledger.sqlite") as ledger:
        ledger.execute("UPDATE written SET source = 'a', destination = 'Vtiger at b'")
    assert "1 unchanged" in carry(crm, tmp_path, "a", "b", "12x1").line("Contacts")
