"""``listtypes`` and ``describe``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from crm_simulators.vtiger.failures import Crashed, denied, unknown_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_simulators.vtiger.access import Access
    from crm_simulators.vtiger.schema import Module


def listtypes(access: Access, parameters: Mapping[str, str]) -> dict[str, Any]:
    """The modules of a user, or those that have a field of one of the types in ``fieldTypeList``."""
    modules = access.modules()
    if "fieldTypeList[]" in parameters:
        raise Crashed
    if parameters.get("fieldTypeList"):
        wanted = _types(parameters["fieldTypeList"])
        modules = [module for module in modules if not wanted.isdisjoint(_kinds(module))]
    return {
        "types": [module.name for module in modules],
        "information": {module.name: dict(module.listing) for module in modules},
    }


def _kinds(module: Module) -> set[str]:
    return {str(item["type"]["name"]) for item in module.describe["fields"]}


def _types(text: str) -> frozenset[str]:
    try:
        wanted = json.loads(text)
    except ValueError:
        raise unknown_error() from None
    if not isinstance(wanted, list):
        raise Crashed
    return frozenset(str(item) for item in wanted)


def describe(access: Access, name: str) -> dict[str, Any]:
    """The recorded description, as this user sees it."""
    module = next((module for module in access.modules() if module.name == name), None)
    if module is None:
        raise denied(f"Permission to perform the operation is denied for name : {name}")
    fields = [_field(item, access) for item in module.describe["fields"]]
    if not access.user.is_admin:
        fields.sort(key=_position(module, access))
    return {**module.describe, "fields": fields}


def _position(module: Module, access: Access) -> Any:
    order = {name: position for position, name in enumerate(access.in_order(module))}
    return lambda item: order.get(item["name"], len(order))


def _field(item: Mapping[str, Any], access: Access) -> dict[str, Any]:
    kind = dict(item["type"])
    if "refersTo" in kind:
        kind["refersTo"] = [name for name in kind["refersTo"] if access.may_refer_to(name)]
    if "format" in kind:
        kind["format"] = access.user.date_format
    return {**item, "type": kind}
