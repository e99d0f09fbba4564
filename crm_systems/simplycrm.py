"""Simply CRM (simply-crm.com): a descendant of Vtiger 7 whose documentation is Vtiger's manual."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from crm_systems import vtql
from crm_systems.errors import Unavailable
from crm_systems.model import Limits, Request
from crm_systems.vtiger import Vtiger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.model import Call, Entity, Row


class SimplyCrm(Vtiger):
    """Speaks Vtiger's language; what differs is how gently it wants to be asked and what an empty page means."""

    name: ClassVar[str] = "simplycrm"
    title: ClassVar[str] = "Simply CRM"
    limits: ClassVar[Limits] = Limits(page_size=vtql.SERVER_PAGE, requests_per_second=3)

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self._has_revise: bool | None = None

    def hides_rows(self, entity: Entity) -> bool:
        """Any page may lack rows that the user may not see (seen in Vtiger 7's code)."""
        return not self._administrator and bool(entity.private["is_entity"])

    def _revise(self, call: Call, entity: Entity, current: Row, values: Mapping[str, Any]) -> Row:
        """Without ``revise`` the whole record is read, merged and written back, or ``update`` would blank the rest.

        An unknown operation answers HTTP 500 (seen in Vtiger's code), so the first one is not repeated.
        """
        if self._has_revise is not False:
            patient = bool(self._has_revise)
            try:
                row = super()._revise(lambda ask: call(replace(ask, patient=patient)), entity, current, values)
            except Unavailable as error:
                if self._has_revise or error.code != "HTTP 500":
                    raise
                self._has_revise = False
            else:
                self._has_revise = True
                return row
        retrieve = Request("GET", f"{entity.name}: retrieve", query={"operation": "retrieve", "id": current["id"]})
        whole = {
            name: value for name, value in call(retrieve).items() if (field := entity.field(name)) and field.writable
        }
        element = json.dumps({**whole, **values, "id": current["id"]})
        form = {"operation": "update", "element": element}
        updated: Row = call(Request("POST", f"{entity.name}: update", form=form))
        return updated
