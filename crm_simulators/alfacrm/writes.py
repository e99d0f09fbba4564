"""Create, update, delete, and what follows from them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crm_simulators.alfacrm.checks import Checker, Errors
from crm_simulators.alfacrm.reads import Request, number
from crm_simulators.alfacrm.replies import missing_parameters, not_found, reply
from crm_simulators.alfacrm.store import API_USER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_simulators.alfacrm.entity import Entity
    from crm_simulators.alfacrm.render import Renderer
    from crm_simulators.alfacrm.store import Row, Store
    from crm_simulators.alfacrm.switches import Switches
    from crm_simulators.base import Answer

_SIGNS = {1: 1, 5: -1}
"""How a pay moves the customer's balance: 1 is an income, 5 a refund; the others are not the customer's money."""


class Writer:
    """Answers create, update and delete calls."""

    def __init__(self, store: Store, switches: Switches, renderer: Renderer) -> None:
        self._store = store
        self._switches = switches
        self._renderer = renderer
        self._checker = Checker(store, switches)

    def create(self, request: Request) -> Answer:
        """``{"success","errors","model"}``; the model echoes what was posted, in the types it was posted in."""
        parents = self._parents(request)
        entity, posted = request.entity, request.body
        values, errors = self._checker.check(entity, posted, None)
        if errors:
            return self._refused(errors, self._echo(entity, posted))
        row = self._add(request, {**values, **parents})
        self._settle(entity, None, row)
        return _done(self._echo(entity, posted) | parents | {"id": row["id"]})

    def update(self, request: Request) -> Answer:
        """The same envelope; the model is the row with what was posted over it."""
        self._parents(request)
        entity, posted = request.entity, request.body
        row = self._find(request)
        if row is None:
            return self._refused({"id": ["Запись не найдена"]}, {"id": None})
        values, errors = self._checker.check(entity, posted, row)
        if errors:
            return self._refused(errors, self._echo(entity, posted) | {"id": row["id"]})
        before = dict(row)
        self._change(entity, row, values)
        self._settle(entity, before, row)
        shown = self._renderer.show(entity.path, row)
        echo = self._echo(entity, posted)
        return _done(shown | {name: echo[name] for name in echo if name in posted and name in shown})

    def delete(self, request: Request) -> Answer:
        """``{"success","errors"}``."""
        self._parents(request)
        row = self._find(request)
        if row is None:
            return self._refused({"id": ["Запись не найдена"]}, None)
        names = {column.name for column in request.entity.columns}
        path, id_ = request.entity.path, row["id"]
        if self._switches.delete == "archive" and "e_date" in names and path != "cgi":
            self._store.change(path, id_, {"e_date": self._store.yesterday()}, API_USER)
        elif self._switches.delete == "archive" and "is_archive" in names:
            self._store.change(path, id_, {"is_archive": 1}, API_USER)
        else:
            self._store.remove(path, id_, API_USER)
            self._settle(request.entity, row, None)
        return reply({"success": True, "errors": []})

    def add_bonus(self, request: Request, sign: int) -> Answer:
        """``bonus/bonus-add`` and ``bonus/bonus-spend``: body ``amount``, ``note``, ``date`` (one unsure source)."""
        if not request.query.get("customer_id"):
            raise missing_parameters("customer_id")
        customer = self._store.tables["customer"].get(number(request.query["customer_id"], 0))
        if customer is None:
            raise not_found()
        amount = number(request.body.get("amount"), 0)
        if not amount:
            return self._refused({"amount": ['Необходимо заполнить "Сумма"']}, dict(request.body))
        bonus = customer["balance_bonus"] + sign * amount
        self._store.change(
            "customer", customer["id"], {"balance_bonus": bonus}, API_USER, stamp=self._switches.balance_stamps
        )
        return _done({"customer_id": customer["id"], **request.body})

    def _parents(self, request: Request) -> Row:
        """The parent that the query names: refused without; only members of groups name theirs in the body as well."""
        entity, query = request.entity, request.query
        given = {name: query[name] for name in entity.parents if query.get(name)}
        if entity.parents and (not given if entity.any_parent else len(given) < len(entity.parents)):
            raise missing_parameters(*(entity.parents[:1] if entity.any_parent else entity.parents))
        if entity.any_parent:
            return {}
        return {name: value if name == "class" else number(value, 0) for name, value in given.items()}

    def _find(self, request: Request) -> Row | None:
        """The row of the query's ``id``; one of another parent, or by the switch of another branch, is not found."""
        entity, query = request.entity, request.query
        if not query.get("id"):
            raise missing_parameters("id")
        row = self._store.tables[entity.path].get(number(query["id"], 0))
        if row is not None and any(query.get(name) not in {None, "", str(row[name])} for name in entity.parents):
            row = None
        if row is not None and self._switches.writes_stay_in_branch and request.branch is not None:
            branches = self._store.branch_ids(entity, row)
            row = row if not branches or request.branch in branches else None
        if row is None and self._switches.unknown_id == "404":
            raise not_found()
        return row

    def _add(self, request: Request, values: Row) -> Row:
        path = request.entity.path
        names = {column.name for column in request.entity.columns}
        if path in {"lesson", "cgi"} and values.get("branch_id") is None:
            values["branch_id"] = request.branch
        if path == "customer" and not values.get("branch_ids"):
            values["branch_ids"] = [request.branch] if request.branch else []
        if path in {"customer", "group"} and not values.get("b_date"):
            values["b_date"] = self._store.now() if path == "customer" else self._store.today()
        if "user_id" in names and values.get("user_id") is None:
            values["user_id"] = API_USER
        self._reject(path, values)
        if path != "regular-lesson":
            return self._store.add(path, values, API_USER)
        return [self._store.add(path, {**values, "day": day}, API_USER) for day in reversed(values["day"])][-1]

    def _change(self, entity: Entity, row: Row, values: Row) -> None:
        if entity.path == "regular-lesson" and "day" in values:
            values["day"] = values["day"][0]
        self._reject(entity.path, values)
        moved = any(row.get(name) != value for name, value in values.items())
        self._store.change(entity.path, row["id"], values, API_USER, stamp=moved or self._switches.idle_update_stamps)

    def _reject(self, path: str, values: Row) -> None:
        """A reason of refusal archives, if the switch says so."""
        rejected = values.get("lead_reject_id") or values.get("customer_reject_id")
        if path == "customer" and rejected and self._switches.reject_archives:
            values["e_date"] = self._store.yesterday()

    def _settle(self, entity: Entity, before: Row | None, after: Row | None) -> None:
        """A pay moves its customer's balance; whether that moves ``updated_at`` is a switch."""
        if entity.path != "pay":
            return
        for pay, sign in ((before, -1), (after, 1)):
            customer = pay and self._store.tables["customer"].get(pay["customer_id"])
            amount = Decimal(pay["income"]) * _SIGNS.get(pay["pay_type_id"], 0) * sign if pay else Decimal()
            if customer and amount:
                customer["balance"] = str(Decimal(customer["balance"]) + amount)
                self._store.version += 1
                if self._switches.balance_stamps:
                    customer["updated_at"] = self._store.now()

    def _echo(self, entity: Entity, posted: Mapping[str, Any]) -> Row:
        """Every column that can be written: as posted, else null; computed ones are missing (one client)."""
        columns = [
            column for column in entity.columns if self._checker.is_writable(entity, column) and not column.hidden
        ]
        return {"id": None, **{column.written_as: posted.get(column.written_as) for column in columns}}

    def _refused(self, errors: Errors, model: Row | None) -> Answer:
        """HTTP 200 or 422 with ``success: false``."""
        shapes: dict[str, Any] = {
            "map": errors,
            "list_of_maps": [{name: texts} for name, texts in errors.items()],
            "texts": [text for texts in errors.values() for text in texts],
        }
        content: Row = {"success": False, "errors": shapes[self._switches.error_shape]}
        if self._switches.failed_model and model is not None:
            content["model"] = model
        return reply(content, self._switches.validation_status)


def _done(model: Row) -> Answer:
    return reply({"success": True, "errors": [], "model": model})
