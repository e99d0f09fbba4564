"""Simply CRM (simply-crm.com): a descendant of Vtiger 7 whose documentation is Vtiger's manual."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from crm_systems.errors import Denied, Rejected, ServerFault
from crm_systems.model import Limits, Request
from crm_systems.vtiger import vtql
from crm_systems.vtiger.answers import retrieve
from crm_systems.vtiger.describe import INVENTORY, READ_ONLY
from crm_systems.vtiger.lines import kept_of
from crm_systems.vtiger.system import Vtiger
from crm_systems.wire import is_empty

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

        But an ``update`` of a document leaves alone what it is not given (seen in Vtiger 7's code).
        """
        if self._has_revise is None:
            self._has_revise = _offers_revise(call)
        if self._has_revise:
            return super()._revise(call, entity, current, values)
        whole = kept_of(entity, current, values) if entity.name in INVENTORY else self._whole(call, entity, current)
        element = json.dumps({**whole, **values, "id": current["id"]})
        form = {"operation": "update", "element": element}
        updated: Row = call(Request("POST", f"{entity.name}: update", form=form))
        return updated

    def _whole(self, call: Call, entity: Entity, current: Row) -> Row:
        """All of a record that may be blanked, also what people cannot edit."""
        return {
            name: value
            for name, value in retrieve(call, entity.name, current["id"]).items()
            if entity.field(name) and name not in READ_ONLY and not is_empty(value)
        }


def _offers_revise(call: Call) -> bool:
    """Whether the server knows ``revise``: asked for no record, a server that does refuses the missing id.

    One that does not answers HTTP 500, or something that is no data (seen in Vtiger's code), to this request alone;
    should it have been a passing fault, the longer way does as well.
    """
    form = {"operation": "revise", "element": json.dumps({"id": ""})}
    try:
        call(Request("POST", "Ask whether there is revise", form=form, patient=False))
    except (Denied, Rejected):
        return True
    except ServerFault:
        return False
    return True
