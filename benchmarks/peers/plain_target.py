"""A target as the Singer SDK's tutorial teaches it: a RecordSink that looks a record up and creates or updates it."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import requests
from singer_sdk import RecordSink, Target
from singer_sdk import typing as th


class LeadSink(RecordSink):
    """Writes one record at a time."""

    def setup(self) -> None:
        self.http = requests.Session()
        self.url = f"{self.config['url']}/webservice.php"

    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:
        query = f"select * from Leads where email = '{record['email']}' limit 1;"
        asked = {"operation": "query", "query": query, "sessionName": "5e55"}
        found = self.http.get(self.url, params=asked).json()["result"]
        element = {name: value for name, value in record.items() if name != "id"}
        if found:
            form = {"operation": "revise", "element": json.dumps({"id": found[0]["id"], **element}, default=str)}
        else:
            form = {"operation": "create", "elementType": "Leads", "element": json.dumps(element, default=str)}
        self.http.post(self.url, data={**form, "sessionName": "5e55"}).raise_for_status()


class PlainTarget(Target):
    """The target."""

    name = "target-plain"
    default_sink_class = LeadSink
    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("url", th.StringType, required=True)
    ).to_dict()


if __name__ == "__main__":
    PlainTarget.cli()
