"""Makes a simulator's store look as it must have looked when a call was recorded, and sends the call again."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_simulators.vtiger import Switches, VtigerSimulator
from crm_simulators.vtiger.requests import SentFile
from crm_simulators.vtiger.schema import LINE_COLUMNS, Module
from crm_simulators.vtiger.schema import RECORDINGS as DESCRIBED
from tests.crm_simulators.vtiger.client import Client as BaseClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from crm_simulators.vtiger.store import Record, Values

RECORDINGS = Path(__file__).parents[2] / "recordings" / "vtiger"
_ID = re.compile(r"\b(\d+)x(\d+)\b")
_FLAVOURS = {"corebos": "corebos", "v800code": "vtiger-8.0", "v820": "vtiger-8.0", "vtiger": "vtiger-8.4"}
_SESSIONLESS = frozenset({"getchallenge", "login", "extendsession"})
_NULL_KINDS = frozenset({"date", "time", "datetime", "reference", "double", "currency", "integer"})


@dataclass(frozen=True)
class Recording:
    """One recorded call."""

    key: str
    """The path below the folder of recordings, without ``.json``."""
    flavour: str
    method: str
    parameters: dict[str, Any]
    status: int | None
    content_type: str
    body: Any
    """Parsed, or the text if it is no JSON."""
    trimmed: str
    file: dict[str, Any] | None
    """Part, name, type and size of a file that was sent along."""

    @property
    def succeeded(self) -> bool:
        """Whether the answer says so."""
        return isinstance(self.body, dict) and self.body.get("success") is True

    @property
    def result(self) -> Any:
        """What the answer holds."""
        return self.body.get("result") if isinstance(self.body, dict) else None

    @property
    def user(self) -> str:
        """Who called; the name of the recording says it."""
        stem = self.key.rpartition("/")[2]
        for name in ("limited", "euro", "usadmin"):
            if stem.endswith((f"as-{name}", f"as-{name}-x")):
                return name
        return "limited" if "not-permitted" in stem or "nonadmin" in stem else "admin"

    @property
    def operation(self) -> str:
        """The operation, if one was named."""
        return str(self.parameters.get("operation", ""))


def recordings() -> Iterator[Recording]:
    """Every recording, by path."""
    for folder in (DESCRIBED, RECORDINGS):
        for path in sorted(folder.rglob("*.json")):
            yield _read(path, folder)


def _read(path: Path, folder: Path) -> Recording:
    data = json.loads(path.read_text(encoding="utf-8"))
    request, response = data["request"], data["response"] or {}
    body = response.get("body", response.get("body_text"))
    if isinstance(body, str) and body.startswith("{"):
        body = json.loads(body, strict=False)
    return Recording(
        key=str(path.relative_to(folder).with_suffix("")),
        flavour=_FLAVOURS.get(path.parent.name, "vtiger-8.4"),
        method=request["method"],
        parameters=dict(request.get("params") or {}),
        status=response.get("status"),
        content_type=response.get("headers", {}).get("Content-Type", ""),
        body=body,
        trimmed=data.get("trimmed", ""),
        file=request.get("file"),
    )


def simulator_for(recording: Recording) -> VtigerSimulator:
    """An almost empty server; ``sync`` is cured unless the recording shows the stock server."""
    stock = "stock" in recording.key or recording.key == "v800code/sync"
    return VtigerSimulator(
        rows=0, flavour=recording.flavour, switches=Switches(sync_registered=not stock, hang_seconds=0.01)
    )


class Stage:
    """Puts into a store what a recording's answer shows."""

    def __init__(self, simulator: VtigerSimulator, recording: Recording) -> None:
        self._store = simulator.store
        self.recording = recording

    def set(self) -> None:
        """Adds the rows of the answer, and whatever they and the request refer to."""
        rows = list(self._rows())
        if self.recording.operation not in {"create", "convertlead"}:
            for row in rows:
                self._add(row)
            self._fill_before(rows)
        if self.recording.succeeded:
            for match in _ID.finditer(json.dumps(self.recording.parameters)):
                self.stub(match[0])

    def _rows(self) -> Iterator[dict[str, Any]]:
        result = self.recording.result
        rows = result if isinstance(result, list) else [result]
        if isinstance(result, dict) and "updated" in result:
            rows = result["updated"]
            for identifier in result["deleted"]:
                self.stub(identifier, modifiedtime="2025-01-01 00:00:00")
                self._store.find(identifier).deleted = True
        for row in rows:
            if isinstance(row, dict) and "id" in row:
                yield row
                yield from row.get("LineItems", ())

    def _add(self, row: dict[str, Any]) -> None:
        found = _ID.fullmatch(str(row["id"]))
        if not found:
            return
        module = self._store.by_prefix[int(found[1])]
        values = self._values(module, row)
        existing = self._store.tables[module.name].rows.get(int(found[2]))
        if existing:
            self._store.put(existing, values)
        else:
            existing = self._store.add(module.name, values, int(found[2]))
        if "imageattachmentids" in row:
            number = int(row["imageattachmentids"].partition("x")[2])
            self._store.attachments[row["id"]] = row["imageattachmentids"]
            self._store.files[number] = SentFile("filename", "hello_é.txt", "text/plain", "hello file é".encode())
        if "label" in row:
            existing.label = row["label"]
        if module.name == "Invoice" and row.get("quantity") and "LineItems" not in row:
            line = {name: row[name] for name in LINE_COLUMNS}
            self._store.add("LineItem", {**line, "parent_id": row["id"]})

    def _values(self, module: Module, row: dict[str, Any]) -> Values:
        renamed = {"hdnDiscountPercent": "discount_percent", "hdnDiscountAmount": "discount_amount"}
        values: Values = {}
        for name, value in row.items():
            column = renamed.get(name, name) if "discount_percent" in module.columns else name
            if column not in module.columns or name == "id":
                continue
            kind = module.fields[name].kind
            empty_is_null = kind in _NULL_KINDS and module.name != "Users"
            values[column] = None if value == "" and empty_is_null else value
            if module.fields[name].is_reference and value:
                self.stub(value)
        return values

    def stub(self, identifier: str, **values: str | None) -> None:
        """An otherwise empty record under an id, unless there is one."""
        found = _ID.fullmatch(identifier)
        module = self._store.by_prefix.get(int(found[1])) if found else None
        if found and module and not self._store.lookup(identifier) and int(found[2]) < 10**6:
            self._store.add(module.name, {"assigned_user_id": "19x1", **values}, int(found[2]))

    def _fill_before(self, rows: list[dict[str, Any]]) -> None:
        """Copies of the first row with lower ids, as many as the query skips."""
        skipped = re.search(r"limit (\d+),\d+", str(self.recording.parameters.get("query", "")))
        if not skipped or not rows:
            return
        first = self._store.find(rows[0]["id"])
        for turn in range(int(skipped[1])):
            self._store.add(first.module, dict(first.values), first.number - 1 - turn)

    def find(self, identifier: str) -> Record:
        """A stubbed record."""
        self.stub(identifier)
        return self._store.find(identifier)


class Client(BaseClient):
    """Talks to a simulator as a recording did."""

    def send(self, recording: Recording, **instead: str | None) -> requests.Response:
        """The recorded call; ``instead`` replaces parameters, None leaves one out."""
        parameters = {**recording.parameters, **instead}
        sent = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in parameters.items()
            if value is not None
        }
        place: dict[str, Any] = {"params": sent} if recording.method == "GET" else {"data": sent}
        if file := recording.file:
            place["files"] = {file["field"]: (file["name"], bytes(file["bytes"]), file["type"])}
        return self.http.request(recording.method, self.url, timeout=10, **place)

    def repeat(self, recording: Recording) -> requests.Response:
        """The recorded call in a new session of its user."""
        if recording.operation in _SESSIONLESS or not recording.operation:
            return self.send(recording)
        return self.send(recording, sessionName=self.log_in(recording.user))
