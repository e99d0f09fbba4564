"""A plugin of pytest: with it, the Sixth CRM is one of the CRMs, and ``tests/contract`` runs over it as well."""

from __future__ import annotations

import crm_systems
from tests.contract.subjects import SUBJECTS, Subject
from tests.sixth_crm import SixthCrm, SixthSimulator

SIXTH = Subject(
    start=lambda rows: SixthSimulator(rows=rows),
    entity="people",
    secret="api_key",
    text="note",
    match="email",
    values=lambda n: {"name": f"Newcomer {n}", "email": f"new{n}@example.com"},
)

crm_systems.SYSTEMS += (SixthCrm,)
SUBJECTS["sixth"] = SIXTH
