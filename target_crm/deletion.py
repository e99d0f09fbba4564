"""Deletes a record, whatever happens to the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm_systems.errors import Denied, OutcomeUnknown, Unavailable
from target_crm.creation import ATTEMPTS

if TYPE_CHECKING:
    from crm_systems.client import Client
    from target_crm.finding import Finder


def delete(client: Client, finder: Finder, crm_id: str, settle_seconds: float) -> None:
    """Deletes a record once; a lost answer is settled by looking.

    Raises:
        Denied: the user may not.
        Unavailable: the connection breaks again and again.
    """
    for _attempt in range(ATTEMPTS):
        try:
            client.system.delete(client.call, finder.entity, crm_id)
        except OutcomeUnknown as error:
            code = error.code
            client.sleep(settle_seconds)
            if finder.get(crm_id) is None:
                return
        except Denied:
            # So is a delete that is repeated because its answer was lost.
            if finder.get(crm_id) is None:
                return
            raise
        else:
            return
    raise Unavailable(f"{finder.entity.name}: delete: the connection breaks again and again", code=code)
