"""Logging in to Egito: OAuth2 by password."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from crm_systems.egito.answers import LOG_IN
from crm_systems.egito.forms import FORM
from crm_systems.errors import LogInRefused
from crm_systems.model import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_systems.model import Call, Row

SHORTEST_LIFE = 60
"""A token with fewer seconds left is refreshed at once."""


def token(call: Call, options: Mapping[str, Any]) -> str:
    """A token by password; the same one is given out again while it lives, so one that soon ends is refreshed.

    Raises:
        LogInRefused: the credentials are wrong.
    """
    told = _ask(call, options, grant_type="password", username=options["username"], password=options["password"])
    lasts = str(told.get("expires_in"))
    if lasts.isdecimal() and int(lasts) < SHORTEST_LIFE and told.get("refresh_token"):
        with suppress(LogInRefused):
            told = _ask(call, options, grant_type="refresh_token", refresh_token=str(told["refresh_token"]))
    return str(told["access_token"])


def _ask(call: Call, options: Mapping[str, Any], **parameters: str) -> Row:
    """The token endpoint takes its parameters in the query (documented), or in a form (inferred)."""
    given = {**parameters, "client_id": options["client_id"], "client_secret": options["client_secret"]}
    place = options["token_parameters"]
    told = call(
        Request(
            "POST",
            "Log-in",
            LOG_IN,
            query=given if place == "query" else {},
            form=given if place == "form" else None,
            headers={"Content-Type": FORM},
        )
    )
    if not isinstance(told, dict) or not told.get("access_token"):
        raise LogInRefused("Log-in: the answer holds no token", hint="check `url`")
    return told
