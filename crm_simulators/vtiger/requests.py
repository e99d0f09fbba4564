"""What a request says: the operation and its parameters, read as PHP and Vtiger read them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crm_simulators.base import Call

GET_OPERATIONS = frozenset(
    {
        *("getchallenge", "listtypes", "describe", "retrieve", "query", "sync"),
        *("files_retrieve", "relatedtypes", "query_related", "retrieve_related"),
    }
)


_FILE_NAME = re.compile(rb'filename="([^"]*)"')


@dataclass(frozen=True)
class SentFile:
    """A file in a body of several parts."""

    part: str
    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Request:
    """A call as the web service sees it."""

    operation: str
    method: str
    parameters: Mapping[str, str]
    """Of the query string for a GET operation, of the body for a POST operation (measured)."""
    session_name: str | None
    format: str
    cookies: str
    files: tuple[SentFile, ...] = ()


def request_of(call: Call, *, logout_by_get: bool) -> Request:
    """Reads a call; operation, session and format may stand in the URL or in the body."""
    form, files = (call.form, ()) if call.form else _multipart(call)
    either = {**call.query, **form}
    operation = either.get("operation", "").lower()
    by_get = operation in GET_OPERATIONS or (operation == "logout" and logout_by_get)
    return Request(
        operation=operation,
        method="GET" if call.method == "GET" else "POST",
        parameters=call.query if by_get else form,
        session_name=either.get("sessionName"),
        format=either.get("format", "json").lower(),
        cookies=call.headers.get("cookie", ""),
        files=files,
    )


def _multipart(call: Call) -> tuple[dict[str, str], tuple[SentFile, ...]]:
    """The fields and the files of a body of several parts."""
    content_type = call.headers.get("content-type", "")
    if not content_type.startswith("multipart/form-data"):
        return {}, ()
    boundary = content_type.partition("boundary=")[2].strip('"').encode()
    fields: dict[str, str] = {}
    files: list[SentFile] = []
    for part in call.body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        told = BytesParser(policy=HTTP).parsebytes(head + b"\r\n\r\n", headersonly=True)
        name, content = str(told.get_param("name", header="content-disposition")), content.removesuffix(b"\r\n")
        file_name = _FILE_NAME.search(head)
        if file_name:
            files.append(SentFile(name, file_name[1].decode(), told.get_content_type(), content))
        else:
            fields[name] = content.decode()
    return fields, tuple(files)


def line_length(call: Call) -> int:
    """About how many bytes the request line has (the query is encoded again, as clients do it)."""
    return len(f"{call.method} {call.path}?{urlencode(call.query)} HTTP/1.1")
