"""`/rest/api/2/issue…`: create, read, edit, delete, move, comment, attach.  Source: Jira REST API reference, "issue"."""

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.responses import PlainTextResponse, Response

from . import errors, fields, workflow
from .call import Call, empty
from .display import Json
from .fields import FIELDS, Field, Project
from .issues import Comment, Issue

_NO_TOKEN = ("no-check", "nocheck")
_ALWAYS_WANTED = ("project", "issuetype", "summary")


async def handle(call: Call) -> Response:
    """Answer a request for issues.  Raises ApiError."""
    match call.path[1:]:
        case ():
            return await _create(call) if call.method == "POST" else _no_method()
        case ("createmeta", project, "issuetypes"):
            return _types(call, project)
        case ("createmeta", project, "issuetypes", type_id):
            return _create_fields(call, project, type_id)
        case (issue_id,):
            return await _one(call, call.issue(issue_id))
        case (issue_id, part, *rest):
            return await _part(call, call.issue(issue_id), part, tuple(rest))
    raise errors.no_such_resource()


async def _part(call: Call, issue: Issue, part: str, rest: tuple[str, ...]) -> Response:
    match (part, rest):
        case ("editmeta", ()):
            return call.answer({"fields": _described(call, issue.project, "")})
        case ("transitions", ()):
            return await _move(call, issue) if call.method == "POST" else _offer(call, issue)
        case ("assignee", ()):
            call.must_write("assign issues")
            return _edit(call, issue, {"assignee": await call.json_object()}, {})
        case ("comment", ()):
            return await _say(call, issue) if call.method == "POST" else _said(call, issue)
        case ("comment", (comment_id,)):
            return await _comment(call, issue, comment_id)
        case ("attachments", ()):
            return await _attach(call, issue)
    raise errors.no_such_resource()


def _no_method() -> Response:
    raise errors.ApiError(405, "Method Not Allowed")


async def _one(call: Call, issue: Issue) -> Response:
    match call.method:
        case "GET":
            return call.answer(call.view().issue(issue, wanted(call.params.get("fields"))))
        case "PUT":
            call.must_write("edit issues in this project")
            body = await call.json_object()
            return _edit(call, issue, body.get("fields") or {}, body.get("update") or {})
        case "DELETE":
            if not call.user.admin:
                raise errors.not_allowed("delete issues in this project")
            call.instance.delete(issue, call.user.name)
            return empty()
    return _no_method()


def wanted(listed: Any, default: str = "*all") -> Any:
    """`fields` of a request (text or list) → whether a field is wanted: names, `*all`, `*navigable`, `-name`."""
    names = listed if isinstance(listed, list) else (listed or default).split(",")
    taken = {name.strip() for name in names if not name.startswith("-")}
    left_out = {name.strip()[1:] for name in names if name.startswith("-")}
    everything = not taken or "*all" in taken
    navigable = "*navigable" in taken

    def is_wanted(name: str) -> bool:
        if name in left_out:
            return False
        return everything or name in taken or (navigable and name not in ("comment", "attachment"))

    return is_wanted


async def _create(call: Call) -> Response:
    if not call.user.writes:
        raise errors.bad_fields({"project": "You cannot create issues in this project."})
    body = await call.json_object()
    sent = body.get("fields") or {}
    refused: dict[str, str] = {}
    values = _stored(call, sent, body.get("update") or {}, (), refused)
    for name, text in (("project", "project is required"), ("issuetype", "issue type is required")):
        if name not in values:
            refused.setdefault(name, text)
    if "summary" not in values:
        refused.setdefault("summary", "You must specify a summary of the issue.")
    if refused:
        raise errors.bad_fields(refused)
    issue = call.instance.create(values, call.user.name)
    found = {"id": str(issue.id), "key": issue.key, "self": call.view().link("issue", str(issue.id))}
    return call.answer(found, 201)


def _edit(call: Call, issue: Issue, sent: Mapping[str, Any], update: Mapping[str, Any]) -> Response:
    """All or nothing; an issue in a status that forbids editing has no field on its screen."""
    refused: dict[str, str] = {}
    with call.instance.lock:
        issue = call.issue(str(issue.id))
        said = [operation["add"]["body"] for operation in update.get("comment", ()) if "add" in operation]
        verbs = {name: operations for name, operations in update.items() if name != "comment"}
        values = _stored(call, sent, verbs, issue.values["labels"], refused)
        if "project" in sent or not workflow.STATUSES[issue.status].is_editable:
            refused |= {name: errors.not_settable(name) for name in ({**sent, **verbs})}
        if refused:
            raise errors.bad_fields(refused)
        issue = call.instance.edit(issue, values, call.user.name)
        for text in said:
            call.instance.comment(call.issue(str(issue.id)), text, call.user.name)
    return empty()


def _stored(
    call: Call,
    sent: Mapping[str, Any],
    update: Mapping[str, Any],
    labels: tuple[str, ...],
    refused: dict[str, str],
) -> dict[str, Any]:
    """What was sent, as it is kept; what does not fit is put into `refused`."""
    values: dict[str, Any] = {}
    for name, value in {**sent, **update}.items():
        field = FIELDS.get(name)
        if field is None or not field.settable or (name == "labels" and not call.instance.box.now.labels_on_screen):
            refused[name] = errors.not_settable(name)
            continue
        try:
            values[name] = _value(call, field, value, labels, is_update=name in update)
        except fields.Refused as refusal:
            refused[name] = str(refusal)
    return values


def _value(call: Call, field: Field, value: Any, labels: tuple[str, ...], *, is_update: bool) -> Any:
    if is_update and field.id == "labels":
        return fields.changed_labels(labels, value)
    if is_update:
        value = value[-1].get("set")
    return fields.stored(field, value, call.instance.users.__contains__)


def _screen(call: Call) -> list[Field]:
    labels = call.instance.box.now.labels_on_screen
    return [field for field in FIELDS.values() if field.settable and (field.id != "labels" or labels)]


def _described(call: Call, project: str, type_id: str) -> dict[str, Json]:
    view = call.view()
    return {
        field.id: view.described(field, required=field.id in _ALWAYS_WANTED)
        for field in _screen(call)
        if type_id or field.id not in ("project", "issuetype")
    }


def _project(key: str) -> Project:
    for project in fields.PROJECTS.values():
        if key in (project.key, project.id):
            return project
    raise errors.ApiError(404, f"No project could be found with key '{key}'.")


def _types(call: Call, key: str) -> Response:
    _project(key)
    return call.answer(page_of(call, [call.view().issue_type(name) for name in fields.TYPES], "values"))


def _create_fields(call: Call, key: str, type_id: str) -> Response:
    if type_id not in fields.TYPES.values():
        raise errors.ApiError(404, "The issue type selected is invalid.")
    return call.answer(page_of(call, list(_described(call, _project(key).key, type_id).values()), "values"))


def page_of(call: Call, rows: list[Json], name: str) -> Json:
    """One page of a list, by startAt and maxResults."""
    start, limit = call.number("startAt", 0), call.number("maxResults", 50)
    page = rows[start : start + limit]
    return {
        "maxResults": limit,
        "startAt": start,
        "total": len(rows),
        "isLast": start + len(page) >= len(rows),
        name: page,
    }


def _offer(call: Call, issue: Issue) -> Response:
    steps = workflow.offered(fields.PROJECTS[issue.project].workflow, issue.status) if call.user.writes else []
    with_fields = "transitions.fields" in call.params.get("expand", "")
    shown = [call.view().transition(step, with_fields=with_fields) for step in steps]
    return call.answer({"expand": "transitions", "transitions": shown})


async def _move(call: Call, issue: Issue) -> Response:
    body = await call.json_object()
    call.must_write("transition issues in this project")
    wanted_id = str((body.get("transition") or {}).get("id"))
    with call.instance.lock:
        issue = call.issue(str(issue.id))
        steps = workflow.offered(fields.PROJECTS[issue.project].workflow, issue.status)
        step = next((step for step in steps if step.id == wanted_id), None)
        if step is None:
            raise errors.bad_request(
                f"It seems that you have tried to perform a workflow operation (id {wanted_id}) that is not valid for "
                f"the current state of this issue ({issue.key}). The likely cause is that somebody has changed the issue recently."
            )
        resolution = _chosen_resolution(body.get("fields") or {}, has_screen=step.has_screen)
        said = [op["add"]["body"] for op in (body.get("update") or {}).get("comment", ())]
        issue = call.instance.move(issue, step, resolution, call.user.name)
        for text in said:
            call.instance.comment(issue, text, call.user.name)
    return empty()


def _chosen_resolution(sent: Mapping[str, Any], *, has_screen: bool) -> str | None:
    strange = [name for name in sent if name != "resolution" or not has_screen]
    if strange:
        raise errors.bad_fields({name: errors.not_settable(name) for name in strange})
    if not has_screen:
        return None
    if "resolution" not in sent:
        raise errors.bad_fields({"resolution": "Resolution is required."})
    try:
        return fields.resolution(sent["resolution"])
    except fields.Refused as refusal:
        raise errors.bad_fields({"resolution": str(refusal)}) from None


def _said(call: Call, issue: Issue) -> Response:
    start, limit = call.number("startAt", 0), call.number("maxResults", 1_048_576)
    newest_first = call.params.get("orderBy", "").startswith("-")
    return call.answer(call.view().comments(issue, start, limit, newest_first=newest_first))


def _text(body: Mapping[str, Any]) -> str:
    text = body.get("body")
    if not isinstance(text, str) or not text.strip():
        raise errors.bad_fields({"comment": "Comment body can not be empty!"})
    if len(text) > 32_767:
        raise errors.bad_fields(
            {"comment": "The entered text is too long. It exceeds the allowed limit of 32767 characters."}
        )
    return text


async def _say(call: Call, issue: Issue) -> Response:
    text = _text(await call.json_object())
    call.must_write("comment on issues in this project")
    with call.instance.lock:
        issue = call.issue(str(issue.id))
        said = call.instance.comment(issue, text, call.user.name)
    return call.answer(call.view().comment(issue, said), 201)


async def _comment(call: Call, issue: Issue, comment_id: str) -> Response:
    said = next((comment for comment in issue.comments if comment.id == comment_id), None)
    if said is None:
        raise errors.ApiError(404, f"Can not find a comment for the id: {comment_id}.")
    if call.method == "GET":
        return call.answer(call.view().comment(issue, said))
    return await _change_comment(call, issue, said)


async def _change_comment(call: Call, issue: Issue, said: Comment) -> Response:
    call.must_write("edit comments in this project")
    if call.method == "DELETE":
        call.instance.unsay(call.issue(str(issue.id)), said, call.user.name)
        return empty()
    if call.method != "PUT":
        return _no_method()
    text = _text(await call.json_object())
    changed = call.instance.rewrite(call.issue(str(issue.id)), said, text, call.user.name)
    return call.answer(call.view().comment(issue, changed))


async def _attach(call: Call, issue: Issue) -> Response:
    """multipart/form-data with parts `file`; refused without X-Atlassian-Token, a protection against forged requests."""
    if call.method != "POST":
        return _no_method()
    if call.request.headers.get("x-atlassian-token", "").lower() not in _NO_TOKEN:
        return PlainTextResponse("XSRF check failed", 403)
    call.must_write("attach files in this project")
    try:
        form = await call.request.form()
    except (MultiPartException, HTTPException):
        raise errors.bad_request("The multipart body cannot be read") from None
    files = [part for part in form.getlist("file") if isinstance(part, UploadFile)]
    read = [(file.filename or "", await file.read(), file.content_type or "") for file in files]
    await form.close()
    limit = call.instance.box.now.upload_limit
    if any(len(body) > limit for _, body, _ in read):
        raise errors.ApiError(413, f"The file is larger than the allowed {limit} bytes")
    with call.instance.lock:
        made = [
            call.instance.attach(
                call.issue(str(issue.id)), name, body, kind or "application/octet-stream", call.user.name
            )
            for name, body, kind in read
        ]
    return call.answer([call.view().attachment(file) for file in made])
