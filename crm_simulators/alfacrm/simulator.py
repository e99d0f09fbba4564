"""The server: addresses, access, and the store for tests to look into."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from crm_simulators.alfacrm.access import API_KEY, APP_KEY, EMAIL, Gate
from crm_simulators.alfacrm.actions import Actions
from crm_simulators.alfacrm.reads import Reader, Request
from crm_simulators.alfacrm.render import Renderer
from crm_simulators.alfacrm.replies import HttpError, failure, not_found, reply
from crm_simulators.alfacrm.seed import seed
from crm_simulators.alfacrm.store import OFFICE_USER, Row, Store
from crm_simulators.alfacrm.switches import PRESETS, Switches
from crm_simulators.alfacrm.tables import ENTITIES
from crm_simulators.alfacrm.tables_dictionaries import UNPROVEN
from crm_simulators.alfacrm.writes import Writer
from crm_simulators.base import Answer, Call, Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_UNPROVEN = {entity.path for entity in UNPROVEN}
_SUBJECT_OF = {"calendar": "customer", "bonus": "customer"}
"""Addresses without a table of their own, and whose rows they are about."""


class AlfaCrmSimulator(Simulator):
    """alfaCRM's REST API v2 (``/v2api``), from documents and clients, not from a live tenant.

    ``flavour`` picks a set of switches (see ``PRESETS``); ``switches`` overrides it.
    Entities go by their part of the address: ``customer``, ``customer-tariff``, ``cgi`` and so on.
    """

    name: ClassVar[str] = "alfacrm"
    flavours: ClassVar[tuple[str, ...]] = tuple(PRESETS)

    def __init__(self, rows: int = 100, flavour: str | None = None, switches: Switches | None = None) -> None:
        super().__init__(rows=rows, flavour=flavour)
        self.switches = switches or PRESETS[self.flavour]
        self.store = Store(self.clock, self.switches.timezone)
        self._renderer = Renderer(self.store, self.switches)
        self._gate = Gate(self.clock, self.switches)
        reader = Reader(self.store, self.switches, self._renderer)
        writer = Writer(self.store, self.switches, self._renderer)
        self._handlers: dict[str, Callable[[Request], Answer]] = {
            "index": lambda request: reply(reader.index(request)),
            "create": writer.create,
            "update": writer.update,
            "delete": writer.delete,
        }
        self._special = Actions(self.store, reader, writer).handlers
        seed(self.store, rows)

    def config(self) -> dict[str, Any]:
        """The settings of a tap or target that log in here."""
        config = {
            "system": "alfacrm",
            "url": self.url,
            "email": EMAIL,
            "api_key": API_KEY,
            "timezone": self.switches.timezone,
        }
        return config if self.switches.app_key == "ignored" else {**config, "app_key": APP_KEY}

    def expire_sessions(self) -> None:
        """Ends every token that is out."""
        self._gate.expire()

    def records(self, entity: str) -> list[Row]:
        """Copies of an entity's rows as stored, by id: dates ISO, lesson times ``HH:MM``, whatever is read."""
        with self.lock:
            return copy.deepcopy(list(self.store.tables[entity].values()))

    def shown(self, entity: str) -> list[Row]:
        """An entity's rows as the API shows them, of every branch, without filters."""
        with self.lock:
            return copy.deepcopy([self._renderer.show(entity, row) for row in self.store.tables[entity].values()])

    def insert(self, entity: str, values: Mapping[str, Any]) -> int:
        """A new row behind the API's back, in its stored form, unchecked; its id."""
        with self.lock:
            return int(self.store.add(entity, values, OFFICE_USER)["id"])

    def change(self, entity: str, id_: int, values: Mapping[str, Any] | None = None, *, stamp: bool = True) -> None:
        """Changes a row behind the API's back; without values, only ``updated_at`` moves."""
        with self.lock:
            self.store.change(entity, id_, values or {}, OFFICE_USER, stamp=stamp)

    def delete(self, entity: str, id_: int) -> None:
        """Removes a row behind the API's back."""
        with self.lock:
            self.store.remove(entity, id_, OFFICE_USER)

    def answer(self, call: Call) -> Answer:
        """Carries a request out: address, verb, limit, token, role, body, branch, action, in this order."""
        try:
            return self._answer(call)
        except HttpError as error:
            return failure(error, self.switches.error_type)

    def _answer(self, call: Call) -> Answer:
        is_login = call.path == "/v2api/auth/login"
        branch, handler, request = (None, None, None) if is_login else self._route(call.path)
        if call.method != "POST":
            raise HttpError(405, "Method Not Allowed. This URL can only handle the following request methods: POST.")
        self._gate.count(is_login=is_login)
        if handler is None or request is None:
            return self._gate.log_in(call, _body(call))
        self._gate.check(call)
        if self.switches.denied & {"*", request.entity.path}:
            raise HttpError(403, "Access Denied")
        if request.entity.path in self.switches.absent:
            raise not_found()
        body = _body(call)
        if branch is not None and branch not in self.store.tables["branch"]:
            raise HttpError(self.switches.unknown_branch_status, "Страница не найдена.")
        return handler(Request(request.entity, branch, call.query, body))

    def _route(self, path: str) -> tuple[int | None, Callable[[Request], Answer], Request]:
        """``/v2api[/branch]/entity[/action]``; no action is index, branch 0 is no branch."""
        root, parts = path.split("/")[:2], path.split("/")[2:]
        if root != ["", "v2api"]:
            raise not_found()
        branch = int(parts.pop(0)) if parts and parts[0].isascii() and parts[0].isdecimal() else 0
        if not 1 <= len(parts) <= 2:
            raise not_found()
        entity, action = parts[0], parts[1] if len(parts) == 2 else "index"
        known = ENTITIES.get(_SUBJECT_OF.get(entity, entity))
        handler = self._handler(entity, action)
        if known is None or handler is None or not (branch or self._is_branchless(entity)):
            raise not_found()
        return branch or None, handler, Request(known)

    def _handler(self, entity: str, action: str) -> Callable[[Request], Answer] | None:
        if (entity, action) in self._special:
            return self._special[entity, action]
        known = ENTITIES.get(entity)
        if known is None or (entity in _UNPROVEN and not self.switches.unproven_entities):
            return None
        allowed = known.actions | (known.unproven if self.switches.unproven_writes else frozenset())
        return self._handlers[action] if action in allowed else None

    def _is_branchless(self, entity: str) -> bool:
        return self.switches.branch_optional or (entity in ENTITIES and ENTITIES[entity].branchless)


def _body(call: Call) -> dict[str, Any]:
    """The body's object; without a JSON content type it is a form, as the framework reads it."""
    if "json" not in call.headers.get("content-type", ""):
        return dict(call.form)
    if not call.body:
        return {}
    try:
        content = json.loads(call.body, parse_constant=_refuse)
        json.dumps(content, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise HttpError(400, "Invalid JSON data in request body: Syntax error.") from error
    return content if isinstance(content, dict) else {}


def _refuse(constant: str) -> NoReturn:
    """NaN and the infinities are no JSON."""
    raise ValueError(constant)
