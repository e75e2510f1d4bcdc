"""`/api/now[/version]/attachment…`.  Source: ServiceNow docs "Attachment API"."""

import json
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.responses import Response

from . import accounts, errors, tables
from .call import Call
from .listing import listed
from .records import Row

_DEFAULT_LIMIT = 1000
_TABLE = "sys_attachment"


async def handle(call: Call) -> Response:
    """Answer a request for attachments' metadata, a file's body or an upload.  Raises ApiError."""
    match call.path:
        case ("attachment",):
            _only(call, "GET")
            rows, headers = listed(call, call.table(_TABLE), _DEFAULT_LIMIT)
            return call.answer(rows, 200, headers)
        case ("attachment", "upload"):
            _only(call, "POST")
            return await _upload_form(call)
        case ("attachment", "file"):
            _only(call, "POST")
            return await _upload_body(call)
        case ("attachment", sys_id, "file"):
            _only(call, "GET")
            return _download(call, call.record(_TABLE, sys_id))
        case ("attachment", sys_id):
            return _on_record(call, call.record(_TABLE, sys_id))
    raise errors.no_such_resource()


def _only(call: Call, method: str) -> None:
    if call.method != method:
        raise errors.method_not_allowed((method,))


def _on_record(call: Call, row: Row) -> Response:
    if call.method == "GET":
        return call.answer(_shown(call, row))
    if call.method != "DELETE":
        raise errors.method_not_allowed(("GET", "HEAD", "DELETE"))
    parent = call.instance.records.find(row["table_sys_id"])
    if parent is None or not accounts.may_write(call.user, *parent):
        raise errors.refused("Delete")
    call.instance.delete(call.table(_TABLE), row["sys_id"], call.user)
    return Response(status_code=204)


def _download(call: Call, row: Row) -> Response:
    body = call.instance.records.file(row["sys_id"])
    if body is None:
        raise errors.not_found()
    metadata = json.dumps(_shown(call, row))
    return Response(body, media_type=row["content_type"], headers={"X-Attachment-Metadata": metadata})


async def _upload_form(call: Call) -> Response:
    """multipart/form-data: table_name, table_sys_id and, last, one file under any name (the docs' sample: uploadFile)."""
    try:
        form = await call.request.form()
    except (MultiPartException, HTTPException):
        raise errors.bad_request("Failed to create the attachment", "The multipart body cannot be read") from None
    files = [part for part in form.values() if isinstance(part, UploadFile)]
    fields = {name: part for name, part in form.items() if isinstance(part, str)}
    if not files:
        raise errors.bad_request("Failed to create the attachment", "The request holds no file")
    file = files[-1]
    body = await file.read()
    await form.close()
    return _attach(call, fields, file.filename or fields.get("file_name", ""), body, file.content_type or "")


async def _upload_body(call: Call) -> Response:
    """The file is the body, its name and ticket are parameters; Content-Type is mandatory."""
    content_type = call.request.headers.get("content-type", "")
    if not content_type:
        raise errors.bad_request("Content-Type header is required")
    return _attach(call, dict(call.params), call.params.get("file_name", ""), await call.request.body(), content_type)


def _attach(call: Call, fields: dict[str, str], name: str, body: bytes, content_type: str) -> Response:
    missing = [field for field in ("table_name", "table_sys_id") if not fields.get(field)] + (
        [] if name else ["file_name"]
    )
    if missing:
        raise errors.bad_request("Failed to create the attachment", f"Missing: {', '.join(missing)}")
    table = fields["table_name"]
    with call.instance.records.lock:
        parent = call.record(call.table(table).name, fields["table_sys_id"])
        if table not in tables.TASKS or not accounts.may_write(call.user, table, parent):
            raise errors.refused("Insert")
        row = call.instance.attach((table, parent), name, body, content_type or "application/octet-stream", call.user)
    return call.answer(_shown(call, row), 201, {"Location": f"{call.base}/attachment/{row['sys_id']}"})


def _shown(call: Call, row: Row) -> dict[str, Any]:
    return call.view().show(call.table(_TABLE), row)
