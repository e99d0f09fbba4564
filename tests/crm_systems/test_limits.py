"""An answer ends in time and is of a bearable size, whoever gives it."""

from __future__ import annotations

import gzip
import socket
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from crm_simulators.base import Fault
from crm_simulators.vtiger import VtigerSimulator
from crm_systems.client.limits import LARGEST
from tests.contract.test_odd_answers import spoil
from tests.running import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crm_simulators.base import Answer

SHORT = {"timeout_seconds": 0.1, "patience_seconds": 0, "entities": ["Contacts"]}


@pytest.fixture
def crm() -> Iterator[VtigerSimulator]:
    with VtigerSimulator(rows=3) as simulator:
        yield simulator


def test_an_answer_that_drips_is_waited_for_no_longer_than_ten_times_the_time_out(crm: VtigerSimulator) -> None:
    crm.fault = lambda _call: Fault.DRIP
    result = run({**crm.config(), **SHORT})
    assert "the connection broke" in result.exit
    assert "Traceback" not in result.words
    assert len(crm.calls) == 1


def test_a_drip_that_passes_is_a_fault_like_any_other(crm: VtigerSimulator) -> None:
    crm.fault = lambda call: Fault.DRIP if call.number == 6 else None
    result = run({**crm.config(), **SHORT, "patience_seconds": 300})
    assert result.exit == ""
    assert len(result.records["Contacts"]) == len(crm.store.records("Contacts"))


@pytest.mark.parametrize(
    ("begins", "sentence"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Long: ", "no answer within `timeout_seconds`"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", "the connection broke"),
    ],
    ids=["headers", "body"],
)
def test_what_drips_ends(begins: bytes, sentence: str) -> None:
    stopped = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            client, _ = server.accept()
            with client:
                client.sendall(begins)
                while not stopped.wait(0.02):
                    try:
                        client.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        told: dict[str, Any] = {"system": "vtiger", "url": url, "username": "admin", "access_key": "x"}
        result = run({**told, **SHORT})
        stopped.set()
        thread.join()
    assert sentence in result.exit


@pytest.mark.parametrize("packed", [False, True], ids=["as it is", "a gzip bomb"])
def test_an_answer_that_is_too_large_is_refused_in_a_sentence(crm: VtigerSimulator, *, packed: bool) -> None:
    large = b" " * (LARGEST + 1)

    def grow(answer: Answer) -> Answer:
        body = gzip.compress(large, 1) if packed else large
        return replace(answer, body=body, headers={"Content-Encoding": "gzip"} if packed else {})

    spoil(crm, grow, which=lambda number: number == 7)
    result = run({**crm.config(), "entities": ["Contacts"]})
    assert "the server's answer is larger than 128 MiB" in result.exit
    assert "Traceback" not in result.words
