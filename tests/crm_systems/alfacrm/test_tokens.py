"""alfaCRM: a tenant may keep one token a user, so another program's log-in ends ours."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from crm_systems.errors import ConfigError, Denied
from tests.crm_systems.alfacrm.shown import client, entity, ids, read, stored, tenant

if TYPE_CHECKING:
    from crm_simulators.base import Call


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("number", range(1, 8))
def test_a_token_that_was_replaced_is_renewed_at_any_request(status: int, number: int) -> None:
    with tenant(30, login_revokes=True, stale_token_status=status) as simulator:

        def replace(call: Call) -> None:
            if call.number == number + 1:
                simulator.expire_sessions()

        simulator.fault = replace
        result = read(simulator, "customer", "group")
        assert result.exit == ""
        assert "left out" not in result.log
        assert ids(result.records["customer"]) == ids(stored(simulator, "customer"))
        assert ids(result.records["group"]) == ids(stored(simulator, "group"))


@pytest.mark.parametrize("number", range(1, 12))
def test_a_token_that_ends_where_the_branches_vouch_for_an_empty_list_is_renewed(number: int) -> None:
    with tenant(0, stale_token_status=403) as simulator:
        simulator.fault = lambda call: simulator.expire_sessions() if call.number == number + 1 else None
        result = read(simulator, "customer")
    assert (result.exit, "left out" in result.log) == ("", False)


@pytest.mark.parametrize("status", [401, 403])
def test_two_programs_at_once_both_complete_or_say_so(status: int) -> None:
    with tenant(40, login_revokes=True, stale_token_status=status) as simulator:

        def tap(_number: int) -> tuple[str, list[int]]:
            with client(simulator) as opened:
                try:
                    known = entity(opened, "customer")
                    walks = opened.system.walks(opened.call, known, None)
                    return "", ids([row for walk in walks for page in walk(opened.call) for row in page.rows])
                except ConfigError as error:
                    return str(error), []

        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(tap, range(2)))
        everything = ids(stored(simulator, "customer"))
    assert all(found == everything or "a user of its own" in error for error, found in results)


@pytest.mark.parametrize("status", [401, 403])
def test_a_denial_is_one_only_with_a_token_that_is_good(status: int) -> None:
    with tenant(10, denied=frozenset({"pay"}), stale_token_status=status) as simulator, client(simulator) as opened:
        opened.log_in()
        simulator.expire_sessions()
        with pytest.raises(Denied):
            entity(opened, "pay")
        assert sum("login" in call.path for call in simulator.calls) == 2
