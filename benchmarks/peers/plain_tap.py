"""A tap as the Singer SDK's tutorial teaches it: RESTStream, a paginator, typed properties, a post_process."""

from __future__ import annotations

from typing import Any, ClassVar

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.pagination import BaseAPIPaginator

from benchmarks.records import KINDS

TYPES: dict[str, Any] = {
    "integer": th.IntegerType,
    "currency": th.NumberType,
    "double": th.NumberType,
    "boolean": th.BooleanType,
    "date": th.DateType,
    "datetime": th.DateTimeType,
    "multipicklist": th.ArrayType(th.StringType),
}


class ById(BaseAPIPaginator[str]):
    """The next page begins behind the last id."""

    def has_more(self, response: Any) -> bool:
        return bool(response.json()["result"])

    def get_next(self, response: Any) -> str | None:
        rows = response.json()["result"]
        return rows[-1]["id"] if rows else None


class Leads(RESTStream[str]):
    """The one stream."""

    name = "Leads"
    path = "/webservice.php"
    primary_keys = ("id",)
    records_jsonpath = "$.result[*]"
    schema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("id", th.StringType, required=True),
        *(th.Property(name, TYPES.get(kind, th.StringType)) for name, (kind, _) in KINDS.items()),
    ).to_dict()

    @property
    def url_base(self) -> str:
        return str(self.config["url"])

    def get_new_paginator(self) -> ById:
        return ById("10x0")

    def get_url_params(self, context: Any, next_page_token: str | None) -> dict[str, str]:
        query = f"select * from Leads where id > '{next_page_token}' order by id limit 100;"
        return {"operation": "query", "query": query, "sessionName": "5e55"}

    def post_process(self, row: dict[str, Any], context: Any = None) -> dict[str, Any]:
        for name, (kind, _) in KINDS.items():
            value = row.get(name)
            if value in {None, ""}:
                row[name] = None
            elif kind == "integer":
                row[name] = int(value)
            elif kind in {"currency", "double"}:
                row[name] = float(value)
            elif kind == "boolean":
                row[name] = value == "1"
            elif kind == "datetime":
                row[name] = value.replace(" ", "T") + "Z"
            elif kind == "multipicklist":
                row[name] = value.split(" |##| ")
        return row


class PlainTap(Tap):
    """The tap."""

    name = "tap-plain"
    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("url", th.StringType, required=True)
    ).to_dict()

    def discover_streams(self) -> list[Leads]:
        return [Leads(self)]


if __name__ == "__main__":
    PlainTap.cli()
