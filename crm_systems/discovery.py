"""Asking a CRM what it has, so that a failure is never taken for an absence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm_systems.errors import ConfigError, CrmError, Denied, LogInRefused, Unavailable

if TYPE_CHECKING:
    from crm_systems.client import Client
    from crm_systems.model import Entity


def describe(client: Client, name: str) -> Entity:
    """What the CRM says of an entity.

    That it is not there for this user is believed when it is said twice: a proxy, or a token that another program
    replaced, may look like a refusal once.

    Raises:
        Denied: there is no such entity for this user.
        CrmError: nobody can tell.
    """
    try:
        entity = client.system.describe(client.call, name)
        if entity.readable:
            return entity
    except Denied:
        pass
    return client.system.describe(client.call, name)


def blame(client: Client, error: CrmError) -> None:
    """Makes sure that a failure is that of one entity, which leaves the others to be read.

    Raises:
        CrmError: the server as a whole is away, or does not want this user any more.
    """
    if isinstance(error, LogInRefused):
        raise error
    if isinstance(error, (ConfigError, Unavailable)):
        client.log_in(anew=True)
