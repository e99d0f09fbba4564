"""Which fields a record is refused for that another one has the same values in; the server does not say (measured)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from crm_systems.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from crm_systems.model import Entity

UNIQUE = "unique"
"""Under this name an entity's private part has the names of the fields that must be unique, by ``isunique``: of
several, no two records may share all values (measured on 8.0.0)."""
DOUBLE = "0"
"""The code of such a refusal (measured)."""


@contextmanager
def naming_doubles(entity: Entity, sent: Collection[str]) -> Iterator[None]:
    """Around a write of these fields.

    Raises:
        Rejected: the server refuses it; the fields that must be unique are named.
    """
    try:
        yield
    except Rejected as error:
        names = entity.private.get(UNIQUE, ())
        if error.code != DOUBLE or not any(name in sent for name in names):
            raise
        hint = f"another record has the same {' and '.join(names)}, and no two may"
        field = names[0] if len(names) == 1 else ""
        raise Rejected(error.what, code=DOUBLE, hint=hint, server_says=error.server_says, field=field) from None
