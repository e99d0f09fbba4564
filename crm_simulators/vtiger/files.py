"""Files of records: how they come in, what the server makes of their names, how they go out (measured on 8.2.0)."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace as changed
from typing import TYPE_CHECKING, Any

from crm_simulators.vtiger.failures import Crashed, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crm_simulators.vtiger.access import Access
    from crm_simulators.vtiger.requests import SentFile
    from crm_simulators.vtiger.store import Record, Store, Values

_FORBIDDEN = frozenset(
    {
        *("php", "php3", "php4", "php5", "pl", "cgi", "py", "asp", "cfm", "js", "vbs", "html", "htm", "exe", "bin"),
        *("bat", "sh", "dll", "phps", "phtml", "rb", "msi"),
    }
)
"""Endings to which the server appends ``file.txt`` (measured for bin, else Vtiger's default)."""


def files_retrieve(store: Store, access: Access, identifier: str) -> list[dict[str, Any]]:
    """The file with the id of an attachment; the id of its document finds none (measured)."""
    prefix, _, number = identifier.partition("x")
    module = store.by_prefix.get(int(prefix)) if prefix.isdigit() else None
    file = store.files.get(int(number)) if module and number.isdigit() else None
    if module is None or file is None:
        raise Refused("RECORD_NOT_FOUND", "Record you are trying to access is not found")
    access.listed(module.name)
    if identifier in store.forbidden_files:
        raise Refused("ACCESS_DENIED", "Permission to perform the operation is denied")
    content = b64encode(file.content).decode()
    facts = {"filename": file.name, "filetype": file.media_type, "filesize": len(file.content)}
    return [{"fileid": number, **facts, "filecontents": content}]


def attach(store: Store, record: Record, files: Sequence[SentFile], *, replace: bool) -> Values:
    """Keeps the files that came with a write; gives what the record says of them.

    Raises:
        Crashed: the part of a file that is no document's is not called as a list, ``filename[]`` (measured).
    """
    field = next(
        (each for each in store.modules[record.module].fields.values() if each.kind in {"file", "image"}), None
    )
    if field is None or not files:
        return {}
    if record.module != "Documents" and any(each.part != f"{field.name}[]" for each in files):
        raise Crashed
    kept = [each for each in files if each.content and len(each.content) <= _largest(store, record.module)]
    identifier = store.id(record)
    if replace and not kept and record.module == "Documents":
        store.detach(identifier)  # It drops the old one, whatever became of the new one (measured).
        return {field.name: "", "filesize": "0"}
    if kept and (replace or identifier not in store.attachments):
        if field.kind == "file":  # Another image is added (measured).
            store.detach(identifier)
        for each in kept:
            store.attach(identifier, changed(each, name=stored_name(each.name)))
    values: Values = {field.name: stored_name(kept[0].name)} if kept else {}
    if kept and record.module == "Documents":
        values |= {"filetype": kept[0].media_type, "filesize": str(len(kept[0].content))}
    return values


def attached_to_new(store: Store, record: Record, element: Mapping[str, Any], files: Sequence[SentFile]) -> Values:
    """Keeps the files of a new record; a document also tells its folder, or that it holds nothing (measured)."""
    if record.module != "Documents":
        return attach(store, record, files, replace=True)
    folder: Values = {} if element.get("folderid") else {"folderid": "22x1"}
    is_empty = element.get("filelocationtype") == "I" and not files
    nothing: Values = {"filesize": "0", "filedownloadcount": "0"} if is_empty else {}
    nothing |= {"filestatus": "0"} if is_empty and "filestatus" not in element else {}
    return folder | nothing | attach(store, record, files, replace=True)


def _largest(store: Store, module: str) -> int:
    """PHP drops what is larger before Vtiger sees it, so that the record holds nothing (measured)."""
    described = (each["type"] for each in store.modules[module].describe["fields"])
    told = (int(each["maxUploadFileSize"]) for each in described if each.get("maxUploadFileSize"))
    return min([store.largest_upload, *told])


def stored_name(name: str) -> str:
    """What the server calls a file."""
    kept = name.replace(" ", "_")
    return f"{kept}file.txt" if kept.rpartition(".")[2].lower() in _FORBIDDEN else kept
