"""`/api/now[/version]/table/{table}[/{sys_id}]`.  Source: ServiceNow docs "Table API"; KB0534905; KB1479016."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from . import accounts, display, errors, tables
from .call import Call
from .listing import listed

_DEFAULT_LIMIT = 10_000


async def handle(call: Call) -> Response:
    """Answer a request for a table or one of its records.  Raises ApiError."""
    match call.path:
        case ("table", name):
            return await _on_table(call, call.table(name))
        case ("table", name, sys_id):
            return await _on_record(call, call.table(name), sys_id)
    raise errors.no_such_resource()


async def _on_table(call: Call, table: tables.Table) -> Response:
    if call.method == "GET":
        rows, headers = listed(call, table, _DEFAULT_LIMIT)
        if not rows and call.version == "v1":
            raise errors.not_found()  # documented difference of the versions
        return call.answer(rows, 200, headers)
    if call.method != "POST":
        raise errors.method_not_allowed(("GET", "HEAD", "POST"))
    values = _values(call, table, await call.json_object())
    if not accounts.may_create(call.user, table.name):
        raise errors.refused("Insert")
    row = call.instance.create(table, values, call.user)
    return call.answer(
        call.view().show(table, row), 201, {"Location": f"{call.base}/table/{table.name}/{row['sys_id']}"}
    )


async def _on_record(call: Call, table: tables.Table, sys_id: str) -> Response:
    match call.method:
        case "GET":
            return call.answer(call.view().show(table, call.record(table.name, sys_id)))
        case "PUT" | "PATCH":
            values = _values(call, table, await call.json_object())
            with call.instance.records.lock:
                row = call.record(table.name, sys_id)
                if not accounts.may_write(call.user, table.name, row):
                    raise errors.refused("Update")
                row = call.instance.update(table, row, values, call.user)
            return call.answer(call.view().show(table, row))
        case "DELETE":
            call.record(table.name, sys_id)
            if not accounts.may_delete(call.user):
                raise errors.refused("Delete")
            call.instance.delete(table, sys_id, call.user)
            return Response(status_code=204)
    raise errors.method_not_allowed(("GET", "HEAD", "PUT", "PATCH", "DELETE"))


def _values(call: Call, table: tables.Table, sent: Mapping[str, Any]) -> dict[str, str]:
    """What the caller sent as database values; columns that do not exist and values that do not fit are ignored."""
    shown = call.flag("sysparm_input_display_value")
    values: dict[str, str] = {}
    for name, value in sent.items():
        column = table.columns.get(name)
        if column is None:
            continue
        text = display.stored(
            column, value, display=shown, zone=call.user.time_zone, find=call.instance.find_by_display
        )
        if text is not None:
            values[name] = text
    return values
