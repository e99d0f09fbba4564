"""Every entity of the API."""

from __future__ import annotations

from crm_simulators.alfacrm.tables_dictionaries import DICTIONARIES, LOG, MESSAGES, UNPROVEN
from crm_simulators.alfacrm.tables_people import PEOPLE
from crm_simulators.alfacrm.tables_study import STUDY

ENTITIES = {entity.path: entity for entity in (*PEOPLE, *STUDY, LOG, *DICTIONARIES, *UNPROVEN, *MESSAGES)}
"""By their part of the address."""
