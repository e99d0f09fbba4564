"""Simply CRM (simply-crm.com): a descendant of Vtiger 7 whose documentation is Vtiger's manual."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from crm_systems import vtql
from crm_systems.model import Limits
from crm_systems.vtiger import Vtiger

if TYPE_CHECKING:
    from crm_systems.model import Entity


class SimplyCrm(Vtiger):
    """Speaks Vtiger's language; what differs is how gently it wants to be asked and what an empty page means."""

    name: ClassVar[str] = "simplycrm"
    title: ClassVar[str] = "Simply CRM"
    limits: ClassVar[Limits] = Limits(page_size=vtql.SERVER_PAGE, requests_per_second=3)

    def hides_rows(self, entity: Entity) -> bool:
        """Any page may lack rows that the user may not see (seen in Vtiger 7's code)."""
        return not self._administrator and bool(entity.private["is_entity"])
