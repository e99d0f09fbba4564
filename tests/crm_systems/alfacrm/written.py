"""What the tests of writing to alfaCRM share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.crm_systems.alfacrm.shown import settings, stored
from tests.target_crm.writing import record, run, schema

if TYPE_CHECKING:
    from pathlib import Path

    from crm_simulators.alfacrm import AlfaCrmSimulator
    from tests.target_crm.writing import Run

PERSON = {"name": "Анна Тест", "is_study": True, "phone": ["89001112233"], "dob": "2012-12-03", "note": "звонить"}


def write(simulator: AlfaCrmSimulator, folder: Path, name: str, *rows: dict[str, Any], **more: Any) -> Run:
    """Runs the target on records of one entity, which have keys of the source."""
    config = {
        **settings(simulator, branches=None),
        "ledger_url": f"sqlite:///{folder}/ledger.sqlite",
        "identify_by": "ledger",
        **more,
    }
    fields = dict.fromkeys(field for row in rows for field in row)
    return run(config, [schema(name, fields, ["id"]), *(record(name, **row) for row in rows)])


def by_id(simulator: AlfaCrmSimulator, name: str) -> dict[int, dict[str, Any]]:
    return {row["id"]: row for row in stored(simulator, name)}
