"""The one place that sends anything: what it repeats, when it waits, how it logs in again, what it never says."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Answer, Fault
from crm_simulators.vtiger import VtigerSimulator
from crm_systems.client.connection import LOGIN_ATTEMPTS
from crm_systems.errors import (
    ConfigError,
    CrmError,
    Denied,
    LogInRefused,
    OutcomeUnknown,
    ProtocolError,
    Rejected,
    ServerFault,
    Unavailable,
)
from crm_systems.model import Request
from tests.running import Time, client_for, operation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crm_systems.client import Client

READ = Request("GET", "Modules: list", query={"operation": "listtypes"})
WRITE = Request(
    "POST",
    "Leads: create",
    form={
        "operation": "create",
        "elementType": "Leads",
        "element": json.dumps({"lastname": "x", "assigned_user_id": "19x1"}),
    },
    repeatable=False,
)


@pytest.fixture
def time() -> Time:
    """A clock of our own."""
    return Time()


@pytest.fixture
def server() -> Iterator[VtigerSimulator]:
    """A small Vtiger."""
    with VtigerSimulator(rows=10) as simulator:
        yield simulator


@pytest.fixture
def client(server: VtigerSimulator, time: Time) -> Iterator[Client]:
    """A client that is logged in."""
    settings = {**server.config(), "timeout_seconds": 5.0}
    with client_for(settings, clock=time.clock, sleep=time.sleep) as opened:
        opened.log_in()
        server.calls.clear()
        yield opened


def failing(server: VtigerSimulator, fault: Fault, times: int) -> None:
    """The next requests go wrong."""
    left = iter(range(times))
    server.fault = lambda _call: fault if next(left, None) is not None else None


def created(server: VtigerSimulator) -> int:
    """How many leads a test has created."""
    return sum(row["lastname"] == "x" for row in server.store.records("Leads"))


LOST = (
    Fault.THROTTLED_SECONDS,
    Fault.THROTTLED_DATE,
    Fault.REFUSED,
    Fault.LOST_ANSWER,
    Fault.ERROR_BEFORE,
    Fault.ERROR_AFTER,
    Fault.HTML,
    Fault.TRUNCATED,
)


@pytest.mark.parametrize("fault", LOST)
def test_a_read_is_repeated(client: Client, server: VtigerSimulator, time: Time, fault: Fault) -> None:
    failing(server, fault, 3)
    assert "Leads" in client.call(READ)["types"]
    reads = [call for call in server.calls if operation(call) == "listtypes"]
    assert len(reads) - 1 == len(time.slept) > 0


@pytest.mark.parametrize("fault", LOST)
def test_a_read_is_given_up(client: Client, server: VtigerSimulator, time: Time, fault: Fault) -> None:
    failing(server, fault, 1000)
    with pytest.raises(Unavailable):
        client.call(READ)
    assert 298 <= sum(time.slept) <= 300.01, "as `patience_seconds` is usually"


def test_a_write_that_was_certainly_not_sent_is_repeated(server: VtigerSimulator, time: Time) -> None:
    port = int(server.url.rpartition(":")[2])

    def sleep(seconds: float) -> None:
        time.sleep(seconds)
        if sum(time.slept) > 60 and not server.is_up:
            server.start(port)

    with client_for(server.config(), clock=time.clock, sleep=sleep) as client:
        client.log_in()
        answering(server, Answer(b'{"success": true, "result": {}}', headers={"Connection": "close"}))
        client.call(READ)
        server.stop()
        client.call(WRITE)
    assert sum(time.slept) > 60
    assert created(server) == 1


@pytest.mark.parametrize("fault", LOST)
def test_a_write_whose_answer_is_lost_is_never_repeated(client: Client, server: VtigerSimulator, fault: Fault) -> None:
    failing(server, fault, 1)
    with pytest.raises(OutcomeUnknown):
        client.call(WRITE)
    assert len(server.calls) == 1
    assert created(server) == (fault in {Fault.LOST_ANSWER, Fault.ERROR_AFTER, Fault.TRUNCATED})


@pytest.mark.parametrize("request_", [READ, WRITE])
def test_an_ended_session_is_opened_again(client: Client, server: VtigerSimulator, request_: Request) -> None:
    failing(server, Fault.EXPIRED_SESSION, 1)
    client.call(request_)
    assert [operation(call) for call in server.calls] == [
        operation_of(request_),
        "login",
        operation_of(request_),
    ]


def operation_of(request: Request) -> str:
    """What a request will ask for."""
    return request.query.get("operation") or (request.form or {})["operation"]


def test_a_probe_is_sent_once(client: Client, server: VtigerSimulator) -> None:
    server.fault = lambda call: Fault.ERROR_BEFORE if operation(call) == "listtypes" else None
    with pytest.raises(ServerFault):
        client.call(Request("GET", "Probe", query={"operation": "listtypes"}, patient=False))
    assert [operation(call) for call in server.calls] == ["listtypes", "query"]


def answering(server: VtigerSimulator, *answers: Answer) -> None:
    """These answers come first."""
    proper, left = server.answer, iter(answers)
    server.answer = lambda call: next(left, None) or proper(call)


def in_(seconds: float) -> str:
    """An HTTP date."""
    return format_datetime(datetime.now(timezone.utc) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("header", "bounds"),
    [
        ("7", (7, 7)),
        ("0", (0, 0)),
        (" 12 ", (12, 12)),
        (30, (25, 30)),
        (-30, (0, 0)),
        ("soon", (0.25, 0.5)),
        ("-5", (0.25, 0.5)),
        ("\u00b2", (0.25, 0.5)),
        ("", (0.25, 0.5)),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after(
    client: Client, server: VtigerSimulator, time: Time, header: str | int, bounds: tuple[float, float], status: int
) -> None:
    """In seconds, or as a date that lies some seconds ahead (here a number)."""
    value = header if isinstance(header, str) else in_(header)
    answering(server, Answer(b"", status, headers={"Retry-After": value}))
    client.call(READ)
    assert bounds[0] <= time.slept[0] <= bounds[1]


def test_a_server_that_wants_more_patience_than_there_is(client: Client, server: VtigerSimulator, time: Time) -> None:
    answering(server, *[Answer(b"", 429, headers={"Retry-After": "200"})] * 5)
    with pytest.raises(Unavailable, match="It asks to wait 200 s, more than `patience_seconds` allows"):
        client.call(READ)
    assert time.slept == [200]


def test_waits_grow_and_differ(server: VtigerSimulator) -> None:
    waits = []
    for _ in range(2):
        time = Time()
        with client_for(server.config(), clock=time.clock, sleep=time.sleep) as client:
            client.log_in()
            failing(server, Fault.ERROR_BEFORE, 1000)
            with pytest.raises(Unavailable):
                client.call(READ)
            server.fault = lambda _call: None
        waits.append(time.slept)
    assert waits[0] != waits[1]
    for attempt, wait in enumerate(waits[0]):
        assert attempt == len(waits[0]) - 1 or min(2**attempt, 60) / 4 <= wait <= min(2**attempt, 60) / 2


REFUSALS = [
    ("ACCESS_DENIED", Denied),
    ("INVALID_ID_ATTRIBUTE", Rejected),
    (0, Rejected),
    ("INTERNAL_SERVER_ERROR", Rejected),
]


@pytest.mark.parametrize("keys", [("code", "message"), ("errorCode", "errorMessage"), ("errorType", "errorMsg")])
@pytest.mark.parametrize(("code", "kind"), REFUSALS)
def test_a_refusal_is_not_repeated(
    client: Client, server: VtigerSimulator, keys: tuple[str, str], code: Any, kind: type[CrmError]
) -> None:
    error = {keys[0]: code, keys[1]: "Mr Secret has no telephone"}
    answering(server, Answer(json.dumps({"success": False, "error": error}).encode()))
    with pytest.raises(kind) as caught:
        client.call(READ)
    assert sum(operation(call) == "listtypes" for call in server.calls) == 1
    assert caught.value.code == str(code)
    assert "Secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind"), [(301, ConfigError), (302, ConfigError), (414, ProtocolError), (308, ConfigError)]
)
def test_statuses_that_no_repeat_cures(
    client: Client, server: VtigerSimulator, status: int, kind: type[CrmError]
) -> None:
    answering(server, *[Answer(b"<html>", status, "text/html", {"Location": "http://localhost/?s=1"})] * 9)
    with pytest.raises(kind):
        client.call(READ)
    assert len(server.calls) == 1


def test_a_wrong_key_is_tried_a_few_times(server: VtigerSimulator, time: Time) -> None:
    settings = {**server.config(), "access_key": "wrong"}
    with client_for(settings, clock=time.clock, sleep=time.sleep) as client, pytest.raises(LogInRefused):
        client.log_in()
    assert [operation(call) for call in server.calls] == ["getchallenge", "login"] * LOGIN_ATTEMPTS


def test_an_unknown_user_is_tried_once(server: VtigerSimulator, time: Time) -> None:
    settings = {**server.config(), "username": "nobody"}
    with client_for(settings, clock=time.clock, sleep=time.sleep) as client, pytest.raises(LogInRefused):
        client.log_in()
    assert len(server.calls) == 1


def test_a_server_that_refuses_to_log_out(client: Client, server: VtigerSimulator) -> None:
    failing(server, Fault.REFUSED, 100)
    client.close()


def test_the_servers_clock(client: Client, server: VtigerSimulator, time: Time) -> None:
    at_login = client.server_time()
    assert at_login <= server.clock.now()
    time.now += 90.7
    assert timedelta(seconds=90) <= client.server_time() - at_login <= timedelta(seconds=91)
    assert client.server_time().microsecond == 0


def test_what_is_called_before_each_try(client: Client, server: VtigerSimulator, time: Time) -> None:
    slept: list[int] = []
    failing(server, Fault.GATEWAY, 3)
    client.call(READ.replace(before_send=lambda: slept.append(len(time.slept))))
    assert slept == list(range(1 + len(time.slept)))
    assert len(slept) > 1


@pytest.mark.parametrize("error", [KeyError("x"), Unavailable("lost", code="HTTP 500"), Rejected("x", code="HTTP 500")])
def test_what_it_raises_goes_through(client: Client, server: VtigerSimulator, error: Exception) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        client.call(WRITE.replace(before_send=fail))
    assert caught.value is error
    assert server.calls == []
