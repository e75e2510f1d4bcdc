"""Roundup: issues of a Roundup tracker as incidents, kept the same in both directions over its REST API.

How each thing is done exactly once, although any call may be lost, repeated or killed half-way:

* an issue that we create opens with a message whose `messageid` holds the incident's reference; the message is posted
  first and looked up first, so a repeated creation adopts what is there
* a comment is a message whose `messageid` holds the entry's reference; an uncertain one is looked up before it is posted
* a file carries the entry's reference as a parameter of its media type and is looked up by it
* messages, files and fields reach the issue in one PATCH guarded by its ETag
"""

import demistomock as demisto
from CommonServerPython import *

import hashlib
import json
import mimetypes
import re
import time
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qsl, urlsplit

import urllib3

urllib3.disable_warnings()

FIELDS = (
    "title", "status", "priority", "assignedto", "creator", "actor", "creation", "activity", "keyword", "nosy",
    "superseder", "messages", "files",
)
WRITABLE_TEXTS = {
    "title": "Title",
    "description": "Text of the message that the issue was opened with",
    "status": "Name of the status",
    "priority": "Name of the priority, or none",
    "assignedto": "User name of the assignee",
    "casemirror_reference": "Reference of the incident; only used when an issue is created",
}
WRITABLE = ("title", "status", "priority", "assignedto")

DIRECTIONS = {"Incoming": "In", "Outgoing": "Out", "Incoming And Outgoing": "Both"}
CLOSING_NAMES = ("closeReason", "closeNotes", "closingUserId")

NO_DESCRIPTION = "(no description)"  # a message cannot be empty
OURS = "@casemirror>"  # end of the messageid of everything we write
FILE_MARK = "; casemirror="

TIMEOUT_S = 30
READ_TRIES = 3
CONFLICT_TRIES = 5
IDS_IN_ONE_QUERY = 100
# A fetch reads the last two minutes again and knows by id what it had: rows may become visible late.
LOOK_BACK = timedelta(minutes=2)


class Unavailable(DemistoException):
    """No answer, or one that says the server is not ready: reading may be tried again."""


class Client(BaseClient):
    """The tracker's REST API, as one user."""

    def __init__(self, url, user, password, verify=True, proxy=False, extra_fields=()):
        self.tracker = url.rstrip("/") + "/"
        self.user = user
        self.fields = (*FIELDS, *extra_fields)
        parts = urlsplit(self.tracker)
        headers = {  # Roundup asks for the first two as a protection against forged requests
            "X-Requested-With": "rest",
            "Origin": f"{parts.scheme}://{parts.netloc}",
            "Referer": self.tracker,
            "Accept": "application/json",
        }
        super().__init__(
            self.tracker + "rest/data/", verify=verify, proxy=proxy, headers=headers, auth=(user, password), timeout=TIMEOUT_S
        )

    def call(self, method, path, **kwargs):
        """One request → response.  Raises DemistoException with a text for a person, Unavailable, RateLimit texts for 429."""
        try:
            return self._http_request(method, path, resp_type="response", error_handler=explain, **kwargs)
        except DemistoException as err:
            if err.res is None:
                raise Unavailable(f"Roundup at {self.tracker} cannot be reached. {err}", err) from err
            raise

    def get(self, path, **kwargs):
        """A read, tried again when the server is not there for a moment."""
        for tried in range(1, READ_TRIES + 1):
            try:
                return self.call("GET", path, **kwargs)
            except Unavailable:
                if tried == READ_TRIES:
                    raise
                time.sleep(0.5 * tried)

    def rows(self, classname, fields, verbose=1, size=None, **filters):
        """Items of a class: property → value.  `filters` as the REST API takes them (`id=[…]`, `creation="…;"`)."""
        params = {"@fields": ",".join(fields), "@verbose": verbose, **filters}
        if size:
            params["@page_size"] = size
        return read_json(self.get(classname, params=params))

    def items(self, classname, ids, fields, verbose):
        """The items with these ids that exist, in their order."""
        found = []
        for start in range(0, len(ids), IDS_IN_ONE_QUERY):
            part = ids[start:start + IDS_IN_ONE_QUERY]
            found += self.rows(classname, fields, verbose, id=part)["collection"]
        return sorted(found, key=lambda item: int(item["id"]))

    def issue(self, issue_id):
        """An issue that exists and is not retired; None otherwise (asked for by its id alone, a retired one still answers)."""
        if not str(issue_id).isdigit():
            return None
        found = self.rows("issue", self.fields, verbose=2, id=issue_id)["collection"]
        return found[0] if found else None

    def messages(self, ids):
        return self.items("msg", ids, ("author", "content", "creation", "date", "messageid"), verbose=3)

    def create(self, classname, values):
        return read_json(self.call("POST", classname, json_data=values))["id"]

    def message_by_id(self, messageid):
        """Id of the message with exactly this messageid, or None."""
        found = self.rows("msg", ("messageid",), **{"messageid:": messageid})["collection"]
        return next((item["id"] for item in found if item["messageid"] == messageid), None)

    def post_message(self, messageid, text, look_first):
        """Id of a message, new or found; it belongs to no issue yet."""
        known = self.message_by_id(messageid) if look_first else None
        # without an author Roundup fails later, when it works out whom to notify
        return known or self.create("msg", {"content": text, "messageid": messageid, "author": self.user, "date": "."})

    def post_file(self, reference, name, body, look_first):
        """Id of a file, new or found; it belongs to no issue yet."""
        mark = FILE_MARK + reference
        if look_first:
            for item in self.rows("file", ("type",), type=mark)["collection"]:
                if item["type"].endswith(mark):
                    return item["id"]
        kind = (mimetypes.guess_type(name)[0] or "application/octet-stream") + mark
        parts = {"name": (None, name), "type": (None, kind), "content": (name, body, "application/octet-stream")}
        return read_json(self.call("POST", "file", files=parts))["id"]

    def change(self, path, make):
        """Read an item, let `make(attributes)` say what to change, write it unless it changed meanwhile; then again."""
        for tried in range(1, CONFLICT_TRIES + 1):
            answer = read_json(self.get(path, params={"@verbose": 2}))
            values = make(answer["attributes"])
            if not values:
                return
            try:
                self.call("PATCH", path, json_data=values, headers={**self._headers, "If-Match": answer["@etag"]})
                return
            except DemistoException as err:
                if getattr(err.res, "status_code", 0) != 412 or tried == CONFLICT_TRIES:
                    raise
                time.sleep(0.1 * tried)


def explain(res):
    """Raise what an unaccepted answer means, in words for a person."""
    text = error_text(res)
    if res.status_code == 429:
        wait = res.headers.get("Retry-After")
        raise DemistoException("API rate limit" + (f"; retry after {wait} s" if wait else ""), res=res)
    if res.status_code in (502, 503, 504):
        raise Unavailable(f"Roundup is not available: {res.status_code} {text}", res=res)
    if res.status_code == 401:
        raise DemistoException(f"Roundup refused the user name or the password: {text}", res=res)
    if res.status_code == 403:
        raise DemistoException(f"Roundup forbids this: {text}. Does the user's role have the permission 'Rest Access'?", res=res)
    if text in ("Required Header Missing", "Client is not allowed to use Rest Interface."):
        raise DemistoException(f"Roundup refused the request's origin ({text}). Is the URL the tracker's own address?", res=res)
    raise DemistoException(f"Roundup answered {res.status_code}: {text}", res=res)


def error_text(res):
    """The message inside an error answer."""
    try:
        return str(res.json()["error"]["msg"])
    except (ValueError, KeyError, TypeError):
        return "an HTML page" if is_html(res) else res.text.strip()[:300] or res.reason


def is_html(res):
    return res.text.lstrip()[:1] == "<"


def read_json(res):
    try:
        return res.json()["data"]
    except (ValueError, KeyError, TypeError):
        what = "an HTML page" if is_html(res) else "something that is no REST answer"
        raise DemistoException(
            f"Instead of data came {what}. Check the URL: it ends in the tracker's name, as in https://host/tracker/", res=res
        ) from None


# Times: Roundup writes 2024-01-31.10:20:30 and means UTC; in a query it takes the user's zone unless one is given.


def utc(text):
    """Aware datetime from what the server passes, not before 1970."""
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        moment = arg_to_datetime(text, required=True)
    moment = moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
    return max(moment, datetime(1970, 1, 1, tzinfo=timezone.utc))


def stamp(moment):
    return moment.strftime("%Y-%m-%d.%H:%M:%S")


def iso(text):
    return text.replace(".", "T") + "Z"


def at_or_after(text):
    """The range of a query, from this stamp on."""
    return text + "+0000;"


# Issues as raw objects


def label(link):
    """What a linked item is called; '' for none."""
    if not isinstance(link, dict):
        return "" if link is None else str(link)
    return next((str(value) for key, value in link.items() if key not in ("id", "link")), link.get("id", ""))


def first_message_id(issue):
    return min((m["id"] for m in issue["messages"]), key=int, default=None)


def is_opening(message, issue):
    """Whether a message was written with the issue, by who opened it: its description. Later ones are comments."""
    return message["creation"] <= issue["creation"] and label(message["author"]) == label(issue["creator"])


def as_object(client, issue, first):
    """The raw object that the mappers see; `first` is its first message or None.  `description` only if it has one."""
    raw = {"id": issue["id"], "link": f"{client.tracker}issue{issue['id']}", "in_mirror_error": ""}
    for name in client.fields:
        value = issue.get(name)
        raw[name] = [label(item) for item in value] if isinstance(value, list) else label(value)
    raw["priority"] = raw["priority"] or "none"
    raw.update(creation=iso(issue["creation"]), activity=iso(issue["activity"]))
    raw.update(messages=len(issue["messages"]), files=len(issue["files"]))
    if first and is_opening(first, issue):
        raw["description"] = "" if first["content"] == NO_DESCRIPTION else first["content"].replace("\r\n", "\n")
    return raw


def is_ours(client, message):
    return (message["messageid"] or "").endswith(OURS) and label(message["author"]) == client.user


# The commands


def test_module(client, params):
    client.rows("issue", client.fields, size=1)
    known = {item["name"] for item in client.rows("status", ("name",))["collection"]}
    wanted = [*closed_statuses(params), params.get("reopened_status") or "chatting"]
    missing = [name for name in wanted if name not in known]
    if missing:
        return f"The tracker has no status {', '.join(missing)}; it has {', '.join(sorted(known))}."
    return "ok"


def fetch_incidents(client, params):
    """New issues, oldest first; those that we created ourselves are passed over."""
    last = demisto.getLastRun() or {}
    since = last.get("since") or stamp(utc(arg_to_datetime(params.get("first_fetch") or "3 days", required=True).isoformat()))
    seen = last.get("seen") or {}  # id → creation
    limit = arg_to_number(params.get("max_fetch")) or 50
    filters = dict(parse_qsl(params.get("fetch_query") or ""), creation=at_or_after(since))
    page = client.rows("issue", client.fields, 2, limit + len(seen), **{"@sort": "creation,id"}, **filters)
    new = [issue for issue in page["collection"] if issue["id"] not in seen][:limit]
    wanted = [first_message_id(issue) for issue in new if issue["messages"]]
    firsts = {message["id"]: message for message in client.messages(wanted)}
    incidents = []
    for issue in new:
        first = firsts.get(first_message_id(issue))
        if first and is_ours(client, first) and is_opening(first, issue):
            continue
        raw = as_object(client, issue, first) | {
            "mirror_id": issue["id"],
            "mirror_direction": DIRECTIONS.get(params.get("mirror_direction")),
            "mirror_instance": demisto.integrationInstance(),
            "mirror_tags": [tag for tag in (params.get("comment_tag"), params.get("file_tag")) if tag],
        }
        incidents.append({"name": raw["title"], "occurred": raw["creation"], "rawJSON": json.dumps(raw)})
    if new:
        newest = datetime.strptime(new[-1]["creation"], "%Y-%m-%d.%H:%M:%S")
        since = max(since, stamp(newest - LOOK_BACK))
    seen = {**seen, **{issue["id"]: issue["creation"] for issue in new}}
    demisto.setLastRun({"since": since, "seen": {i: created for i, created in seen.items() if created >= since}})
    return incidents


def get_modified_remote_data(client, args):
    """Ids of the issues changed since, in the order of their change.  A new message or file changes its issue."""
    since = stamp(utc(GetModifiedRemoteDataArgs(args).last_update))
    ids = {}
    while True:
        answer = client.rows("issue", ("activity",), 0, **{"activity": at_or_after(since), "@sort": "activity,id"})
        page = answer["collection"]
        ids.update((issue["id"], None) for issue in page)
        # the API gives all at once (a page would move under our feet) unless the administrator set a limit: then -1
        if answer["@total_size"] != -1:
            return GetModifiedRemoteDataResponse(list(ids))
        if page[-1]["activity"] == since:
            raise DemistoException(f"More issues changed at {since} than the tracker's limit for an answer lets through.")
        since = page[-1]["activity"]


def get_remote_data(client, args, params):
    """The issue as it is, what was said and attached since, and whether it is closed or open."""
    parsed = GetRemoteDataArgs(args)
    issue = client.issue(parsed.remote_incident_id)
    if issue is None:
        return f"Issue {parsed.remote_incident_id} was not found in Roundup: it was retired, or the user may not see it."
    since = stamp(utc(parsed.last_update))
    first_id = first_message_id(issue)
    # with @verbose=2 a linked message shows its activity: only the newer ones need to be read
    wanted = {m["id"] for m in issue["messages"] if m.get("activity", since) >= since} | ({first_id} if first_id else set())
    messages = client.messages(sorted(wanted, key=int))
    first = messages[0] if messages else None
    raw = as_object(client, issue, first)
    new = [m for m in messages if m["creation"] >= since and not is_ours(client, m) and not (m is first and "description" in raw)]
    entries = [as_entry(message) for message in sorted(new, key=lambda m: (m["creation"], int(m["id"])))]
    entries += new_files(client, issue, since)
    if params.get("close_incident", True):
        entries.append(state_entry(raw, closed_statuses(params)))
    return GetRemoteDataResponse(raw, entries)


def state_entry(raw, closed):
    """The entry that closes the incident, or opens it again; the server ignores the one that tells nothing new."""
    state = {"dbotIncidentReopen": True}
    if raw["status"] in closed:
        notes = f"{raw['actor']} set the status {raw['status']} in Roundup."
        state = {"dbotIncidentClose": True, "closeReason": "Resolved", "closeNotes": notes}
    return {"Type": EntryType.NOTE, "ContentsFormat": EntryFormat.JSON, "Contents": state}


def as_entry(message):
    written = message["date"] or message["creation"]  # programs may leave the date out
    said = f"{label(message['author'])}, {written.replace('.', ' ')} UTC, in Roundup"
    text = f"{message['content']}\n\n— {said}"
    return {
        "Type": EntryType.NOTE, "ContentsFormat": EntryFormat.TEXT, "Contents": text, "Note": False, "Tags": ["roundup-comment"],
        "casemirror": {"id": f"msg{message['id']}"},
    }


def new_files(client, issue, since):
    """File entries of what others attached since."""
    files = client.items("file", [file["id"] for file in issue["files"]], ("name", "type", "creation"), 1)
    entries = []
    for file in files:
        if file["creation"] < since or FILE_MARK in (file["type"] or ""):
            continue
        body = client.get(f"file/{file['id']}/binary_content", headers={**client._headers, "Accept": "*/*"}).content
        known = {"Tags": ["roundup-file"], "Note": False, "casemirror": {"id": f"file{file['id']}"}}
        entries.append({**fileResult(file["name"] or f"file{file['id']}", body), **known})
    return entries


def update_remote_system(client, args, params):
    """Make the issue show what changed here; create it when there is none.  Safe to repeat after any failure."""
    parsed = UpdateRemoteSystemArgs(args)
    data, issue_id = parsed.data or {}, parsed.remote_incident_id
    changes = parsed.delta or {}
    state = new_state(args, parsed)
    if not issue_id:
        issue_id, is_new = create_issue(client, data)
        changes = {} if is_new else data
    if "description" in changes:
        change_description(client, issue_id, changes["description"])
    update = Update(client, writable(changes), params)
    update.close_with = closing_text(data) if state == "closed" and params.get("close_ticket", True) else ""
    update.reopen = state == "open"
    failure = update.upload(parsed.entries or [])
    if update.is_needed():
        client.change(f"issue/{issue_id}", update.values)
    if failure:
        raise failure
    return issue_id


class Update:
    """What one PATCH of an issue shall do."""

    def __init__(self, client, fields, params):
        self.client, self.fields, self.params = client, fields, params
        self.messages, self.files = [], []
        self.close_with = ""  # text of the closing message; empty: do not close
        self.closing_message = ""
        self.reopen = False

    def is_needed(self):
        return bool(self.fields or self.messages or self.files or self.close_with or self.reopen)

    def upload(self, entries):
        """Post messages and files; gives the first failure instead of raising it, so that the fields still go out."""
        for entry in entries:
            try:
                self._upload(entry)
            except (DemistoException, OSError, ValueError) as err:
                return err
        return None

    def _upload(self, entry):
        mark = entry.get("casemirror") or {"uncertain": True}  # another server does not say: look first
        reference = clean(mark.get("reference") or f"{demisto.integrationInstance()} {entry.get('id')}")
        look_first = bool(mark.get("uncertain"))
        said = entry.get("contents") or ""
        if entry.get("type") == EntryType.FILE or entry.get("file"):
            staged = demisto.getFilePath(entry["id"])
            with open(staged["path"], "rb") as file:
                body = file.read()
            if body:
                self.files.append(self.client.post_file(reference, staged["name"], body, look_first))
                return
            said = f"(The file {staged['name']} is empty; Roundup cannot hold it.)"
        text = f"{said}\n\n— {entry.get('user') or 'dbot'} via casemirror [ref {reference}]"
        self.messages.append(self.client.post_message(f"<{reference}{OURS}", text, look_first))

    def post_note(self, text, salt):
        """Id of a message that casemirror itself writes; `salt` tells it from another one with the same text."""
        reference = clean(f"{text} {salt}")
        return self.client.post_message(f"<{reference}{OURS}", f"{text}\n\n— via casemirror [ref {reference}]", look_first=True)

    def values(self, issue):
        """What to write on the issue as it is now; {} when it already is so."""
        values = dict(self.fields)
        status, closed = label(issue["status"]), closed_statuses(self.params)
        if self.close_with and status not in closed:
            values["status"] = closed[0]
            if not self.closing_message:
                self.closing_message = self.post_note(self.close_with, f"{time.time()}")
                self.messages.append(self.closing_message)
        elif self.reopen and status in closed:
            values.setdefault("status", self.params.get("reopened_status") or "chatting")
        for name, ids in (("messages", self.messages), ("files", self.files)):
            present = [item["id"] for item in issue[name]]
            added = [item for item in ids if item not in present]
            if added:
                values[name] = present + added
        if "messages" in values and issue["status"]:
            # Roundup takes a message for a person's answer and makes the issue "chatting", unless the status is given
            values.setdefault("status", issue["status"]["id"])
        return values


def create_issue(client, data):
    """(id, whether it is new) of the issue for this incident; safe to repeat, whichever call was the last to arrive."""
    reference = clean(data.get("casemirror_reference") or f"{demisto.integrationInstance()} {demisto.investigation().get('id')}")
    messageid = f"<{reference}.issue{OURS}"
    opening = client.message_by_id(messageid)
    if opening:
        found = client.rows("issue", ("id",), messages=opening)["collection"]
        if found:
            return found[0]["id"], False
    else:
        opening = client.post_message(messageid, data.get("description") or NO_DESCRIPTION, look_first=False)
    values = {name: value for name, value in writable(data).items() if value}
    return client.create("issue", {"title": "Untitled incident", **values, "messages": [opening]}), True


def change_description(client, issue_id, text):
    """Rewrite the message that the issue was opened with; without one, the text becomes a message."""
    issue = client.issue(issue_id)
    if issue is None:
        raise DemistoException(f"Issue {issue_id} was not found in Roundup.")
    first_id = first_message_id(issue)
    first = client.messages([first_id])[0] if first_id else None
    content = (text or NO_DESCRIPTION).strip()
    if first and is_opening(first, issue):
        client.change(f"msg/{first_id}", lambda _: {"content": content} if content != first["content"] else {})
        return
    update = Update(client, {}, {})
    update.messages.append(update.post_note(content, issue_id))
    client.change(f"issue/{issue_id}", update.values)


def writable(values):
    """Properties as the API takes them: no value is '', and so is the priority `none`."""
    found = {name: "" if values[name] is None else str(values[name]) for name in WRITABLE if name in values}
    if found.get("priority") == "none":
        found["priority"] = ""
    if not found.get("status", "x") or not found.get("title", "x"):
        found = {name: value for name, value in found.items() if value or name not in ("status", "title")}
    return found


def new_state(args, parsed):
    """`closed` or `open` when the incident was just closed, or opened again; else ''."""
    closed = parsed.inc_status == IncidentStatus.DONE
    changed = (args.get("casemirror") or {}).get("status_changed")
    if not parsed.remote_incident_id:
        changed = closed or changed  # an earlier call, whose outcome nobody saw, may have created it closed
    elif changed is None:  # another server does not say: closing changes one of the names, reopening none at all
        delta = parsed.delta or {}
        changed = any(name in delta for name in CLOSING_NAMES) if closed else parsed.incident_changed and not delta
    if not changed:
        return ""
    return "closed" if closed else "open" if parsed.inc_status == IncidentStatus.ACTIVE else ""


def closing_text(data):
    reason, notes = data.get("closeReason") or "", data.get("closeNotes") or ""
    return "\n".join(part for part in (f"Closed: {reason}" if reason else "Closed.", notes) if part)


def closed_statuses(params):
    return argToList(params.get("closed_statuses")) or ["resolved"]


def clean(reference):
    """The reference as it is when it is short and plain, else a digest of it."""
    return reference if re.fullmatch(r"[A-Za-z0-9.-]{4,64}", reference) else hashlib.sha256(reference.encode()).hexdigest()[:16]


def get_mapping_fields(client):
    scheme = SchemeTypeMapping("Roundup Issue")
    for name in dict.fromkeys((*WRITABLE_TEXTS, "id", "link", *client.fields)):
        scheme.add_field(name, WRITABLE_TEXTS.get(name, "Read only"))
    return GetMappingFieldsResponse([scheme])


def main():
    params, args, command = demisto.params(), demisto.args(), demisto.command()
    try:
        credentials = params.get("credentials") or {}
        client = Client(
            params["url"], credentials.get("identifier") or "", credentials.get("password") or "",
            verify=not params.get("insecure"), proxy=bool(params.get("proxy")), extra_fields=argToList(params.get("extra_fields")),
        )
        commands = {
            "test-module": lambda: test_module(client, params),
            "fetch-incidents": lambda: fetch_incidents(client, params),
            "get-modified-remote-data": lambda: get_modified_remote_data(client, args),
            "get-remote-data": lambda: get_remote_data(client, args, params),
            "update-remote-system": lambda: update_remote_system(client, args, params),
            "get-mapping-fields": lambda: get_mapping_fields(client),
        }
        if command not in commands:
            raise NotImplementedError(f"{command} is not a command of this integration.")
        answer = commands[command]()
        if command == "fetch-incidents":
            demisto.incidents(answer)
        else:
            return_results(answer)
    except Exception as err:
        return_error(str(err), error=err)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
