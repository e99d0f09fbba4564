"""A third-party client of alfaCRM's API, as published, works on the simulator."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from crm_simulators.alfacrm import AlfaCrmSimulator, Switches

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

aioalfacrm: Any = import_module("aioalfacrm")
"""The package has no types."""
entities: Any = import_module("aioalfacrm.entities")
exceptions: Any = import_module("aioalfacrm.core.exceptions")

UNTHROTTLED = Switches(requests_per_second=None)
LISTED = (
    *("branch", "location", "room", "subject", "study_status", "lead_status", "lead_source", "lead_reject"),
    *("group", "lesson", "task", "tariff", "pay", "pay_account", "pay_item", "pay_item_category", "discount", "log"),
)


async def _without_tls(request: Any, handler: Any) -> Any:
    """The package always says https, the simulator has no certificate; nothing else of a request is touched."""
    request.url = request.url.with_scheme("http")
    return await handler(request)


def run(simulator: AlfaCrmSimulator, work: Callable[[Any], Awaitable[None]], **settings: Any) -> None:
    """Runs the work with the package's client in branch 1."""

    async def inner() -> None:
        config = simulator.config()
        address = config["url"].removeprefix("http://")
        access = {"email": config["email"], "api_key": config["api_key"], "branch_id": 1, **settings}
        async with aiohttp.ClientSession(middlewares=(_without_tls,)) as session:
            await work(aioalfacrm.AlfaClient(hostname=address, session=session, **access))

    asyncio.run(inner())


def test_it_logs_in() -> None:
    async def work(client: Any) -> None:
        assert await client.check_auth()

    with AlfaCrmSimulator() as simulator:
        run(simulator, work)


def test_a_wrong_key_is_no_login() -> None:
    async def work(client: Any) -> None:
        assert not await client.check_auth()

    with AlfaCrmSimulator() as simulator:
        run(simulator, work, api_key="wrong")


def test_it_reads_every_page_of_customers() -> None:
    seen: list[int] = []

    async def work(client: Any) -> None:
        async for page in client.customer.paginator(page_size=20, is_study=2, removed=1):
            seen.extend(customer.id for customer in page.items)

    with AlfaCrmSimulator(rows=130, switches=UNTHROTTLED) as simulator:
        run(simulator, work)
    assert seen == [row["id"] for row in simulator.records("customer") if 1 in row["branch_ids"]]


def test_it_creates_and_updates_a_customer() -> None:
    async def work(client: Any) -> None:
        posted = entities.Customer(name="Тест 🎄", branch_ids=[1], is_study=True, legal_type=1, phone=["89001112233"])
        created = await client.customer.save(posted)
        assert created.name == "Тест 🎄"
        customer = await client.customer.get(created.id)
        assert customer.phone == ["+7(900)111-22-33"]
        customer.note = "позвонить"
        assert (await client.customer.save(customer)).note == "позвонить"

    with AlfaCrmSimulator(switches=UNTHROTTLED) as simulator:
        run(simulator, work)
    last = simulator.records("customer")[-1]
    assert (last["name"], last["note"], last["is_study"]) == ("Тест 🎄", "позвонить", 1)


def test_it_finds_a_customer_by_name() -> None:
    async def work(client: Any) -> None:
        assert [customer.id for customer in await client.customer.list(name="иголка в стоге")] == [needle]

    with AlfaCrmSimulator(switches=UNTHROTTLED) as simulator:
        needle = simulator.insert("customer", {"name": "Иголка в стоге", "branch_ids": [1], "is_study": 1})
        run(simulator, work)


def test_it_is_told_what_is_missing() -> None:
    async def work(client: Any) -> None:
        with pytest.raises(exceptions.ApiException, match='Необходимо заполнить "Филиалы"'):
            await client.customer.save(entities.Customer(name="Без филиала", is_study=True, legal_type=1))

    with AlfaCrmSimulator() as simulator:
        run(simulator, work)


def test_it_reads_what_every_entity_holds() -> None:
    async def work(client: Any) -> None:
        for name in LISTED:
            assert await getattr(client, name).list(), name
        assert await client.cgi.list(group_id=1)
        assert await client.customer_tariff.list(customer_id=3)
        assert await client.communication.list(related_class="Customer", related_id=3)

    with AlfaCrmSimulator(switches=UNTHROTTLED) as simulator:
        run(simulator, work)


def test_it_meets_the_limit_of_requests() -> None:
    async def work(client: Any) -> None:
        for _ in range(4):
            await client.branch.list()
        with pytest.raises(exceptions.ApiException, match="Code: 429"):
            await client.branch.list()

    with AlfaCrmSimulator() as simulator:
        run(simulator, work)
    assert simulator.peak_requests_per_second > 5
