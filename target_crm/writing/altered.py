"""What a CRM stored otherwise than it was sent: cut, rounded, or filled in where it was empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_systems.beside import CONTENT
from crm_systems.wire import same
from target_crm.ledger import digest
from target_crm.outcome import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from target_crm.mapping import Mapper


def changes_by_the_crm(mapper: Mapper, sent: Mapping[str, Any], stored: Mapping[str, Any]) -> list[Change]:
    """What was sent and is stored otherwise."""
    return [
        Change(name, value, stored[name])
        for name, value in sent.items()
        if name in stored and value != stored[name] and not same(mapper.kind_of(name), value, stored[name])
    ]


def digests(altered: Iterable[Change]) -> dict[str, tuple[str, str]]:
    """How the ledger notes it."""
    told = (each for each in altered if each.field != CONTENT or each.after)
    return {each.field: (digest(each.before), digest(each.after)) for each in told}
