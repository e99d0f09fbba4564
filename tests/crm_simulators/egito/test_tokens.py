"""The Egito simulator lets in and keeps out as Spring's sources say, and every open point can be switched."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import requests

from crm_simulators.base import Fault
from crm_simulators.egito import EgitoSimulator, Switches
from tests.crm_simulators.egito.caller import Http, Record, ask_token, fields, lead


def test_a_token_as_in_the_documentation(simulator: EgitoSimulator) -> None:
    reply = ask_token(simulator)
    assert reply.status_code == 200
    token = reply.json()
    assert list(token) == ["access_token", "token_type", "refresh_token", "expires_in", "scope"]
    assert uuid.UUID(token["access_token"]) != uuid.UUID(token["refresh_token"])
    assert (token["token_type"], token["scope"]) == ("bearer", "write read")
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Pragma"] == "no-cache"


def test_a_live_token_is_given_out_again_with_less_time_left(simulator: EgitoSimulator) -> None:
    first = ask_token(simulator).json()
    simulator.clock.advance(283)
    second = ask_token(simulator, place="data").json()
    assert second["access_token"] == first["access_token"]
    assert 3310 <= second["expires_in"] <= 3317
    other = ask_token(simulator, client_id="api-klient-2", client_secret="sekret-2").json()
    assert other["access_token"] != first["access_token"]


def test_after_its_life_a_token_is_expired_and_then_unknown(simulator: EgitoSimulator, http: Http) -> None:
    token = ask_token(simulator).json()
    simulator.clock.advance(3601)
    reply = http("GET", "Lead/list")
    assert reply.status_code == 401
    assert reply.json() == {
        "error": "invalid_token",
        "error_description": f"Access token expired: {token['access_token']}",
    }
    assert 'error="invalid_token"' in reply.headers["WWW-Authenticate"]
    assert http.get("Lead/list", 401)["error_description"] == f"Invalid access token: {token['access_token']}"
    renewed = ask_token(simulator).json()
    assert renewed["access_token"] != token["access_token"]
    assert renewed["expires_in"] >= 3599


def test_a_renewed_password_grant_keeps_the_refresh_token(simulator: EgitoSimulator) -> None:
    first = ask_token(simulator).json()
    simulator.clock.advance(3601)
    second = ask_token(simulator).json()
    assert second["refresh_token"] == first["refresh_token"]
    assert second["access_token"] != first["access_token"]


@pytest.mark.parametrize(
    ("wrong", "status", "error", "description"),
    [
        ({"password": "x"}, 400, "invalid_grant", "Bad credentials"),
        ({"username": "login"}, 400, "invalid_grant", "Bad credentials"),
        ({"client_id": "x"}, 401, "invalid_client", "Bad client credentials"),
        ({"client_secret": "x"}, 401, "invalid_client", "Bad client credentials"),
        ({"client_id": ""}, 401, "unauthorized", "Full authentication is required to access this resource"),
        ({"grant_type": ""}, 400, "invalid_request", "Missing grant type"),
        ({"grant_type": "magic"}, 400, "unsupported_grant_type", "Unsupported grant type"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid_grant", "Invalid refresh token: x"),
        ({"scope": "fly"}, 400, "invalid_scope", "Invalid scope: fly"),
    ],
)
def test_errors_of_the_token_endpoint(
    simulator: EgitoSimulator, wrong: Record, status: int, error: str, description: str
) -> None:
    reply = ask_token(simulator, **wrong)
    assert reply.status_code == status
    assert (reply.json()["error"], reply.json()["error_description"]) == (error, description)
    assert reply.headers.get("WWW-Authenticate", "").startswith("Bearer ") is (status == 401)


def test_get_of_a_token_is_405(simulator: EgitoSimulator) -> None:
    assert ask_token(simulator, method="GET").status_code == 405


@pytest.mark.parametrize(("place", "switch"), [("params", "query"), ("data", "form")])
def test_the_token_endpoint_may_look_in_one_place_only(place: str, switch: Any) -> None:
    with EgitoSimulator(rows=0, switches=Switches(token_in=switch)) as simulator:
        assert ask_token(simulator, place=place).status_code == 200
        other = {"params": "data", "data": "params"}[place]
        assert ask_token(simulator, place=other).status_code == 401


def test_a_refresh_token_brings_a_new_access_token(simulator: EgitoSimulator, http: Http) -> None:
    first = ask_token(simulator).json()
    again = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = ask_token(simulator, **again).json()
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] == first["refresh_token"]
    assert http.get("Lead/list", 401)["error"] == "invalid_token"
    stolen = ask_token(simulator, **again, client_id="api-klient-2", client_secret="sekret-2")
    assert stolen.status_code == 400
    simulator.clock.advance(31 * 24 * 3600)
    expired = ask_token(simulator, **again)
    assert expired.status_code == 401
    assert expired.json()["error_description"] == f"Invalid refresh token (expired): {first['refresh_token']}"


def test_refresh_tokens_may_be_missing_or_useless(simulator: EgitoSimulator) -> None:
    with EgitoSimulator(rows=0, switches=Switches(refresh_tokens="absent", grant_type_in_error=True)) as absent:
        assert "refresh_token" not in ask_token(absent).json()
        reply = ask_token(absent, grant_type="refresh_token", refresh_token="x")
        assert reply.json()["error_description"] == "Unsupported grant type: refresh_token"
    with EgitoSimulator(rows=0, switches=Switches(refresh_tokens="refused")) as refused:
        token = ask_token(refused).json()["refresh_token"]
        assert ask_token(refused, grant_type="refresh_token", refresh_token=token).status_code == 401
    simulator.expire_refresh_tokens()


def test_calls_without_a_token_are_401_whatever_they_ask_for(simulator: EgitoSimulator) -> None:
    for path, header in (("Lead/list", {}), ("Nope/list", {}), ("Lead/list", {"Authorization": "Basic eDp5"})):
        reply = requests.get(f"{simulator.url}/services/restapi/json/{path}", headers=header, timeout=10)
        assert reply.status_code == 401
        assert reply.json() == {
            "error": "unauthorized",
            "error_description": "Full authentication is required to access this resource",
        }
        assert reply.headers["WWW-Authenticate"].startswith("Bearer ")


def test_sessions_can_be_ended_by_a_fault(simulator: EgitoSimulator, http: Http) -> None:
    simulator.fault = lambda call: Fault.EXPIRED_SESSION if "Lead" in call.path else None
    assert http.get("Lead/list", 401)["error_description"].startswith("Access token expired: ")


def test_scopes_and_permissions_are_403(simulator: EgitoSimulator) -> None:
    reader = Http(simulator, scope="read")
    error = reader.post("Lead/create", lead(simulator), 403)
    assert (error["error"], error["scope"]) == ("insufficient_scope", "write")
    assert len(reader.get("Lead/list")) == 60
    guest = Http(simulator, "gosc@firma")
    assert guest.post("Lead/create", lead(simulator), 403)["error"] == "access_denied"
    guest.get("Account/list", 403)
    guest.get("Lead/list")


def test_a_salesman_may_see_his_own_records_only(simulator: EgitoSimulator) -> None:
    own = Http(simulator, "handlowiec@firma")
    rows = own.get("Lead/list")
    assert len(rows) == 20
    assert {row["ownerId"] for row in rows} == {3}
    hidden = next(row["id"] for row in simulator.records("Lead") if row["ownerId"] == 1)
    assert fields(own.get("Lead/get", id=hidden)) == ["id"]
