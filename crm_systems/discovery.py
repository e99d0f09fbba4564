"""Asking a CRM what it has, so that a failure is never taken for an absence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crm_systems.errors import ConfigError, CrmError, DatabaseFault, Denied, LogInRefused, NotOffered, Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        CrmError: the server as a whole is away or does not want this user any more, or what all need is broken.
    """
    if isinstance(error, (DatabaseFault, LogInRefused)):
        raise error
    if isinstance(error, (ConfigError, Unavailable)):
        client.log_in(anew=True)


def stop_if_blind(entities: Sequence[Entity]) -> None:
    """Makes sure that there is something to read: a run that reads nothing looks like one that was complete.

    Raises:
        ConfigError: there is nothing that this user may see.
    """
    if not entities:
        raise ConfigError("The CRM shows this user no records of any kind", hint="check the user's rights there")


def introduction(client: Client) -> str:
    """Who is logged in where, and what this user finds there, in a sentence.

    Raises:
        CrmError: not all of it can be told.
    """
    system, session = client.system, client.log_in()
    found = [each for each in client.map(lambda name: _if_offered(client, name), system.entities(client.call)) if each]
    stop_if_blind(found)
    writable = sum(each.creatable or each.updatable for each in found)
    where = f"{system.product(session)} at {system.place(str(system.options['url']))}"
    what = f"{len(found)} entities, {writable} writable, deletions: {_deletions(client, found)}"
    return f"Logged in to {where} as {system.describe_login(session)}: {what}"


def _if_offered(client: Client, name: str) -> Entity | None:
    try:
        entity = describe(client, name)
    except Denied:
        return None
    return entity if entity.readable else None


def _deletions(client: Client, entities: Sequence[Entity]) -> str:
    """Whether the CRM tells deletions, and why not."""
    telling = [each for each in entities if client.system.tells_deletions(each)]
    try:
        for entity in telling[:1]:
            next(client.system.deletions(client.call, entity, client.server_time()), None)
    except NotOffered as error:
        reason = str(error).partition(": ")[2] or str(error)
        return f"no ({reason.rstrip('.')})"
    return "yes" if telling else "no (the CRM does not tell them)"
