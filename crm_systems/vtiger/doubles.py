"""Which fields a record is refused for that another one has the same values in; the server does not say (measured)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm_systems.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Collection

    from crm_systems.model import Entity

UNIQUE = "unique"
"""Under this name an entity's private part has the names of the fields that must be unique, by ``isunique``: of
several, no two records may share all values (measured on 8.0.0)."""
DOUBLE = "0"
"""The code of such a refusal (measured)."""


def naming_doubles(error: Rejected, entity: Entity, sent: Collection[str]) -> Rejected:
    """Why a write of these fields is refused; if it is for that, with the names of those that must be unique."""
    names = entity.private.get(UNIQUE, ())
    if error.code != DOUBLE or not any(name in sent for name in names):
        return error
    hint = f"another record has the same {' and '.join(names)}, and no two may"
    field = names[0] if len(names) == 1 else ""
    return Rejected(error.what, code=DOUBLE, hint=hint, server_says=error.server_says, field=field)
