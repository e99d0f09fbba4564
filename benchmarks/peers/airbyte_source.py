"""An Airbyte source in Python as its CDK teaches it: HttpStream, next_page_token, a schema, the command ``read``."""

import json
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from airbyte_cdk.entrypoint import launch
from airbyte_cdk.sources import AbstractSource
from airbyte_cdk.sources.streams import Stream
from airbyte_cdk.sources.streams.http import HttpStream

from benchmarks.records import KINDS

TYPES = {
    "integer": {"type": ["integer", "null"]},
    "currency": {"type": ["number", "null"]},
    "double": {"type": ["number", "null"]},
    "boolean": {"type": ["boolean", "null"]},
}
SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        **{name: TYPES.get(kind, {"type": ["string", "null"]}) for name, (kind, _) in KINDS.items()},
    },
}


class Leads(HttpStream):
    """The one stream."""

    name = "Leads"
    primary_key = "id"

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    @property
    def url_base(self) -> str:
        return f"{self._url}/"

    def path(self, **_: Any) -> str:
        return "webservice.php"

    def get_json_schema(self) -> Mapping[str, Any]:
        return SCHEMA

    def request_params(self, next_page_token: Mapping[str, Any] | None = None, **_: Any) -> dict[str, str]:
        last = next_page_token["last"] if next_page_token else "10x0"
        query = f"select * from Leads where id > '{last}' order by id limit 100;"
        return {"operation": "query", "query": query, "sessionName": "5e55"}

    def next_page_token(self, response: Any) -> Mapping[str, Any] | None:
        rows = response.json()["result"]
        return {"last": rows[-1]["id"]} if rows else None

    def parse_response(self, response: Any, **_: Any) -> Iterable[Mapping[str, Any]]:
        for row in response.json()["result"]:
            for name, (kind, _) in KINDS.items():
                value = row[name]
                if value == "":
                    row[name] = None
                elif kind == "integer":
                    row[name] = int(value)
                elif kind in {"currency", "double"}:
                    row[name] = float(value)
                elif kind == "boolean":
                    row[name] = value == "1"
            yield row


class Source(AbstractSource):
    """The source."""

    def check_connection(self, logger: Any, config: Mapping[str, Any]) -> tuple[bool, Any]:
        return True, None

    def streams(self, config: Mapping[str, Any]) -> list[Stream]:
        return [Leads(config["url"])]

    def spec(self, *_: Any) -> Any:
        from airbyte_cdk.models import ConnectorSpecification

        return ConnectorSpecification(connectionSpecification={"type": "object"})


with tempfile.TemporaryDirectory() as folder:
    config, catalog = Path(folder, "config.json"), Path(folder, "catalog.json")
    config.write_text(json.dumps({"url": sys.argv[1]}))
    stream = {"name": "Leads", "json_schema": SCHEMA, "supported_sync_modes": ["full_refresh"]}
    modes = {"sync_mode": "full_refresh", "destination_sync_mode": "append"}
    catalog.write_text(json.dumps({"streams": [{"stream": stream, **modes}]}))
    launch(Source(), ["read", "--config", str(config), "--catalog", str(catalog)])
