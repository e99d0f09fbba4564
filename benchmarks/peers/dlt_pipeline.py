"""A dlt pipeline as its documentation teaches it: RESTClient, a paginator, typed columns, JSONL files."""

import sys
import tempfile
from typing import Any

import dlt
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import BasePaginator


class ById(BasePaginator):
    """The next page begins behind the last id."""

    def __init__(self) -> None:
        super().__init__()
        self.last = "10x0"

    def init_request(self, request: Any) -> None:
        self.update_request(request)

    def update_state(self, response: Any, data: Any = None) -> None:
        if data:
            self.last = data[-1]["id"]
        else:
            self._has_next_page = False

    def update_request(self, request: Any) -> None:
        query = f"select * from Leads where id > '{self.last}' order by id limit 100;"
        request.params = {"operation": "query", "query": query, "sessionName": "5e55"}


@dlt.resource(name="leads", primary_key="id", write_disposition="append", max_table_nesting=0)
def leads(url: str) -> Any:
    """All leads."""
    yield from RESTClient(base_url=url, paginator=ById()).paginate("/webservice.php", data_selector="result")


with tempfile.TemporaryDirectory() as folder:
    pipeline = dlt.pipeline(
        "bench",
        destination=dlt.destinations.filesystem(bucket_url=f"file://{folder}/out"),
        dataset_name="bench",
        pipelines_dir=f"{folder}/state",
    )
    pipeline.run(leads(sys.argv[1]), loader_file_format="jsonl")
