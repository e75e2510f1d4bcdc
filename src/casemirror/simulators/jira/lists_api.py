"""Everything but issues: who I am, search, and the lists that describe the instance.  Source: Jira REST API reference."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from . import errors, fields, issue_api, jql, workflow
from .call import ANONYMOUS, Call, empty

VERSION = "9.12.0"
_PAGE = 50


async def handle(call: Call) -> Response:
    """Raises ApiError."""
    if call.path == ("serverInfo",):
        return _server(call)
    if call.path == ("search",):
        return _search(call, await call.json_object() if call.method == "POST" else call.params)
    if call.user is ANONYMOUS:
        raise errors.log_in_first()
    view = call.view()
    match call.path:
        case ("myself",):
            return call.answer(view.user(call.user.name))
        case ("user",):
            return _user(call, call.params.get("username", ""))
        case ("user", "search") | ("user", "assignable", "search"):
            return _users(call, call.params.get("username", ""))
        case ("field",):
            return call.answer([view.field(field) for field in fields.FIELDS.values()])
        case ("project",):
            return call.answer([view.project(project) for project in fields.PROJECTS.values()])
        case ("project", key):
            return _project(call, key)
        case ("status",):
            return call.answer([view.status(status) for status in workflow.STATUSES.values()])
        case ("priority",):
            return call.answer([view.priority(name) for name in fields.PRIORITIES])
        case ("resolution",):
            return call.answer([view.resolution(name) for name in fields.RESOLUTIONS])
        case ("issuetype",):
            return call.answer([view.issue_type(name) for name in fields.TYPES])
        case ("attachment", "meta"):
            return call.answer({"enabled": True, "uploadLimit": call.instance.box.now.upload_limit})
        case ("attachment", attachment_id):
            return _attachment(call, attachment_id)
    raise errors.no_such_resource()


def _server(call: Call) -> Response:
    now = datetime.fromtimestamp(call.instance.clock(), UTC)
    return call.answer(
        {
            "baseUrl": call.view().base,
            "version": VERSION,
            "versionNumbers": [int(part) for part in VERSION.split(".")],
            "deploymentType": "Server",
            "buildNumber": 9120000,
            "serverTime": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}+0000",
            "serverTitle": "Jira simulator",
        }
    )


def _search(call: Call, given: Mapping[str, Any]) -> Response:
    """Pages are cut after sorting and without a snapshot, so an issue that changes meanwhile shifts the others (JRASERVER-69860)."""
    box = call.instance.box
    start, asked = call.number("startAt", 0, given), call.number("maxResults", _PAGE, given)
    limit = min(asked, box.now.max_results)
    try:
        query = jql.parse(given.get("jql") or "")
        if call.user is ANONYMOUS:
            return call.answer({"startAt": start, "maxResults": limit, "total": 0, "issues": []})
        _check_keys(call, query)
        found = call.instance.search(query, call.user)
    except jql.Malformed as error:
        raise errors.bad_request(str(error)) from None
    view, wanted = call.view(), issue_api.wanted(given.get("fields"), "*navigable")
    rows = [view.issue(issue, wanted) for issue in found[start : start + limit]]
    page = {"expand": "schema,names", "startAt": start, "maxResults": limit, "total": len(found)}
    return call.answer(page | {"issues": box.disordered(rows)})


def _check_keys(call: Call, query: jql.Query) -> None:
    for key in sorted(query.issue_keys - {""}):
        if call.instance.find(key) is None:
            raise errors.bad_request(f"An issue with key '{key}' does not exist for field 'issuekey'.")


def _user(call: Call, name: str) -> Response:
    if name not in call.instance.users:
        raise errors.ApiError(404, f"The user with the key '{name}' does not exist")
    return call.answer(call.view().user(name))


def _users(call: Call, part: str) -> Response:
    view = call.view()
    return call.answer([view.user(user.name) for user in call.instance.users.values() if part.lower() in user.name])


def _project(call: Call, key: str) -> Response:
    for project in fields.PROJECTS.values():
        if key.upper() in (project.key, project.id):
            types = [call.view().issue_type(name) for name in fields.TYPES]
            return call.answer(call.view().project(project) | {"issueTypes": types})
    raise errors.ApiError(404, f"No project could be found with key '{key}'.")


def _attachment(call: Call, attachment_id: str) -> Response:
    issue, file = call.instance.attachment(attachment_id)
    if call.method != "DELETE":
        return call.answer(call.view().attachment(file))
    call.must_write("delete attachments in this project")
    call.instance.detach(issue, file, call.user.name)
    return empty()
