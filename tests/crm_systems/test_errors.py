"""The text of an error is one sentence."""

from __future__ import annotations

from crm_systems.errors import ConfigError, Rejected


def test_a_hint_that_asks_ends_the_sentence_itself() -> None:
    assert str(ConfigError("There is no Contact", hint="did you mean Contacts?")) == (
        "There is no Contact: did you mean Contacts?"
    )
    assert str(ConfigError("Log-in", code="X", hint="check `url`")) == "Log-in (X): check `url`."


def test_what_a_server_says_can_be_written() -> None:
    assert Rejected("It is refused", server_says="Caf\udce9 \ud83d, žluť").server_says == "Caf? ?, žluť"
