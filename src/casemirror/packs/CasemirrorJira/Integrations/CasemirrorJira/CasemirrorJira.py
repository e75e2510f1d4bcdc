"""Jira Data Center: issues as incidents, kept the same in both directions over its REST API, version 2.

Written from Atlassian's documentation of that API. How each thing is done once, although any call may be lost or repeated:

* an issue that we create carries the label `casemirror-<reference of the incident>`; it is searched for first, so a repeated
  creation adopts what is there. (JQL finds labels exactly; it finds entity properties only if an app has Jira index them.)
* a comment ends in a line with the entry's reference; an uncertain one is looked for among the issue's comments first
* an uncertain file is looked for by name, size, uploader and content among the issue's attachments
* searches may be late: as long as the server says `only_look`, what is not found is not written but told to be unknown
* fields are written as they changed and steps of the workflow are made from the status that is there, which may be repeated
"""

# ruff: noqa: F403, F405, BLE001 (the contract's star import; main() reports whatever happens)
import hashlib
import itertools
import json
import re
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import unquote

import demistomock as demisto
import pytz
import urllib3
from CommonServerPython import *

urllib3.disable_warnings()

DIRECTIONS = {"Incoming": "In", "Outgoing": "Out", "Incoming And Outgoing": "Both"}
CLOSING_NAMES = ("closeReason", "closeNotes", "closingUserId")
NOT_FIELDS = (*CLOSING_NAMES, "owner", "casemirror_reference", "status", "resolution")
NOT_TOLD = ("comment", "attachment", "worklog", "issuelinks", "subtasks")  # of an issue's fields, in the raw object
SEVERITIES = ("4", "3", "2", "1", "0.5")
PRIORITIES = "Highest, High, Medium, Low, Lowest"

LABEL = "casemirror-"
TRAILER = re.compile(r"— [^\n]*via casemirror \(ref [\w.-]+\)\s*\Z")

TIMEOUT_S = 60
READ_TRIES = 3
# Issues that change while a list is read shift its pages; a list that never holds still is given up.
SHIFT_TRIES = 10
# A fetch reads the last two minutes again and knows by id what it had: issues may become visible late.
LOOK_BACK = timedelta(minutes=2)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Unavailable(DemistoException):
    """No answer, or one that says the server is not ready: reading may be tried again."""


class Client(BaseClient):
    """One Jira, as one user."""

    def __init__(self, url, user, password, token="", verify=True, proxy=False, page_size=1000):
        self.site, self.page_size = url.rstrip("/"), page_size
        self._me, self._schemas = "", None
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        auth = None if token else (user, password)
        super().__init__(self.site + "/", verify=verify, proxy=proxy, headers=headers, auth=auth, timeout=TIMEOUT_S)

    # requests

    def call(self, method, path, **kwargs):
        """One request → response.  Raises DemistoException with a text for a person, Unavailable when there is no answer."""
        try:
            res = self._http_request(method, path, resp_type="response", error_handler=explain, **kwargs)
        except DemistoException as err:
            if err.res is None:
                raise Unavailable(f"Jira at {self.site} cannot be reached. {err}", err) from err
            raise
        self._me = self._me or unquote(res.headers.get("X-AUSERNAME", ""))
        return res

    def get(self, path, **kwargs):
        """A read, tried again when the server is not there for a moment."""
        return self._patiently("GET", path, **kwargs)

    def _patiently(self, method, path, **kwargs):
        for tried in itertools.count(1):
            try:
                return self.call(method, path, **kwargs)
            except Unavailable:
                if tried == READ_TRIES:
                    raise
                time.sleep(0.5 * tried)
        raise AssertionError("the last try raises")

    def read(self, resource, **params):
        return read_json(self.get("rest/api/2/" + resource, params=params))

    def write(self, method, resource, body):
        """A write that answers nothing, which is a status of its own; a log-in page is no success."""
        res = self.call(method, "rest/api/2/" + resource, json_data=body)
        if res.status_code != 204:
            raise no_answer(res)

    # who asks

    @property
    def me(self):
        """The user's name as issues show it; answers bear it."""
        if not self._me:
            self._me = self.read("myself")["name"]
        return self._me

    def is_me(self, user):
        return bool(user) and str(user.get("name", "")).lower() == self.me.lower()

    def zone(self):
        """Name of the time zone in which Jira takes this user's dates.  Asked each time: a profile may change."""
        return self.read("myself").get("timeZone") or "UTC"

    # issues

    def page(self, jql, start, limit, fields):
        """(issues, how many there are in all).  By POST, since a query may be long; it only reads."""
        body = {"jql": jql, "startAt": start, "maxResults": limit, "fields": fields}
        found = read_json(self._patiently("POST", "rest/api/2/search", json_data=body))
        return found["issues"], found["total"]

    def since(self, condition, column, since, fields, limit):
        """All issues whose column (created, updated) is not before `since`, oldest first; some may come twice.

        JQL knows minutes only, so what is older is dropped here. A page is asked for from the last row of the one before
        it: when another row stands there, issues moved while the list was read, and it is read again from that row's minute.
        """
        zone, moment, last, offset, shifts = self.zone(), since, None, 0, 0
        while shifts <= SHIFT_TRIES:
            window = f'{column} >= "{minute(moment, zone)}" ORDER BY {column} ASC, key ASC'
            start = max(offset - 1, 0)
            rows, total = self.page(f"{condition} AND {window}" if condition else window, start, limit, fields)
            if last and (not rows or rows[0]["id"] != last["id"]):
                moment, last, offset, shifts = moment_of(last["fields"][column]), None, 0, shifts + 1
                continue
            yield from (row for row in rows if moment_of(row["fields"][column]) >= since)
            there = start + len({row["id"] for row in rows})
            if there >= total or there <= offset:
                return
            last, offset = rows[-1], there
        raise DemistoException("The list of changed issues changed faster than it could be read.")

    def issue(self, issue_id, fields="*all"):
        """The issue; None when it is not there, or hidden from this user."""
        if not re.fullmatch(r"[A-Za-z0-9_-]+", str(issue_id)):
            return None
        try:
            return self.read(f"issue/{issue_id}", fields=fields)
        except DemistoException as err:
            status = getattr(err.res, "status_code", 0)
            if status == 404 or (status == 403 and "permission to see" in str(err)):
                return None
            raise

    def must_find(self, issue_id, fields):
        issue = self.issue(issue_id, fields)
        if issue is None:
            raise DemistoException(f"Issue {issue_id} was not found in Jira.")
        return issue

    def create(self, fields):
        return str(read_json(self.call("POST", "rest/api/2/issue", json_data={"fields": fields}))["id"])

    def edit(self, issue_id, fields):
        """Write fields; what Jira refuses does not hold up the others.  Raises DemistoException when something was refused."""
        try:
            self.write("PUT", f"issue/{issue_id}", {"fields": fields})
        except DemistoException as err:
            rest = {name: value for name, value in fields.items() if name not in refused_fields(err)}
            if rest and len(rest) < len(fields):
                self.write("PUT", f"issue/{issue_id}", {"fields": rest})
            raise

    def comments(self, issue_id, known=None):
        """All comments, oldest first; `known` is the page that came with the issue."""
        page = known or self.read(f"issue/{issue_id}/comment", startAt=0, maxResults=self.page_size)
        yield from page["comments"]
        at = len(page["comments"])
        while at < page["total"]:
            page = self.read(f"issue/{issue_id}/comment", startAt=at, maxResults=self.page_size)
            if not page["comments"]:
                return
            yield from page["comments"]
            at += len(page["comments"])

    def comment(self, issue_id, text):
        read_json(self.call("POST", f"rest/api/2/issue/{issue_id}/comment", json_data={"body": text}))

    def download(self, attachment):
        """The bytes of a file. Its address is taken relative to our own: Jira may know itself by another one."""
        path = attachment["content"].partition("/secure/")[2]
        return self.get("secure/" + path, headers={**self._headers, "Accept": "*/*"}).content

    def upload(self, issue_id, name, body):
        headers = {**self._headers, "X-Atlassian-Token": "no-check"}
        files = {"file": (name, body, "application/octet-stream")}
        read_json(self.call("POST", f"rest/api/2/issue/{issue_id}/attachments", files=files, headers=headers))

    def steps(self, issue_id):
        """The steps of the workflow that this user may make now."""
        return self.read(f"issue/{issue_id}/transitions", expand="transitions.fields")["transitions"]

    def make_step(self, issue_id, step, fields):
        self.write("POST", f"issue/{issue_id}/transitions", {"transition": {"id": step["id"]}, "fields": fields})

    def schema(self, name):
        """How Jira describes the values of a field."""
        if self._schemas is None:
            self._schemas = {field["id"]: field.get("schema") or {} for field in self.read("field")}
        return self._schemas.get(name) or {}


def explain(res):
    """Raise what an unaccepted answer means, in words for a person."""
    text = error_text(res)
    if res.status_code == 429:
        wait = res.headers.get("Retry-After")
        raise DemistoException("API rate limit" + (f"; retry after {wait} s" if wait else ""), res=res)
    if res.status_code in (502, 503, 504):
        raise Unavailable(f"Jira is not available: {res.status_code} {text}", res=res)
    if res.headers.get("X-Seraph-LoginReason") == "AUTHENTICATION_DENIED":
        raise DemistoException(
            "Jira wants a CAPTCHA from this user, after failed log-ins: log in once by the browser.", res=res
        )
    if res.status_code == 401:
        raise DemistoException(f"Jira refused the user name, the password or the token: {text}", res=res)
    if res.status_code == 403:
        raise DemistoException(f"Jira forbids this: {text}", res=res)
    raise DemistoException(f"Jira answered {res.status_code}: {text}", res=res)


def error_text(res):
    """What an error answer says, fields by their names."""
    try:
        body = res.json()
        texts = [str(text) for text in body.get("errorMessages") or []]
        texts += [f"{name}: {text}" for name, text in (body.get("errors") or {}).items()]
        return "; ".join(texts) or str(body.get("message") or res.reason)
    except (ValueError, AttributeError):
        return "an HTML page" if is_html(res) else res.text.strip()[:300] or res.reason


def refused_fields(err):
    """Names of the fields that an answer 400 finds fault with."""
    if getattr(err.res, "status_code", 0) != 400:
        return ()
    try:
        return tuple(err.res.json().get("errors") or {})
    except (ValueError, AttributeError):
        return ()


def is_html(res):
    return res.text.lstrip()[:1] == "<"


def no_answer(res):
    what = "an HTML page" if is_html(res) else "something that is no answer of its API"
    return DemistoException(f"Instead of data Jira sent {what}: the URL is wrong, or it asks for a log-in.", res=res)


def read_json(res):
    try:
        return res.json()
    except ValueError:
        raise no_answer(res) from None


# Times: answers say 2024-01-31T10:20:30.123+0100; a query says 2024/01/31 10:20 and means the user's time zone.


def utc(text):
    """Aware datetime from what the server passes, not before 1970."""
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        moment = arg_to_datetime(text, required=True)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return max(moment, EPOCH)


def moment_of(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC)


def iso(text):
    """One of Jira's times as ISO 8601 in UTC, to the millisecond."""
    return moment_of(text).isoformat(timespec="milliseconds").replace("+00:00", "Z") if text else ""


def minute(moment, zone_name):
    """The minute of a moment in a time zone, for a query.

    An hour that the clocks show twice is ambiguous, and a zone may be unknown here: then an earlier minute, never a later one.
    """
    try:
        zone = pytz.timezone(zone_name)
    except pytz.UnknownTimeZoneError:
        zone, moment = pytz.utc, moment - timedelta(days=1)
    while True:
        local = moment.astimezone(zone).replace(tzinfo=None)
        try:
            zone.localize(local, is_dst=None)
            return local.strftime("%Y/%m/%d %H:%M")
        except pytz.AmbiguousTimeError:
            moment -= timedelta(hours=1)


# Issues as raw objects


def as_object(client, issue, params):
    """The raw object that the mappers see: every field by its plain value (names of people, options, versions), times in UTC."""
    fields = issue["fields"]
    raw = {
        "in_mirror_error": "",
        "id": issue["id"],
        "key": issue["key"],
        "link": f"{client.site}/browse/{issue['key']}",
    }
    raw.update({name: plain(value) for name, value in fields.items() if name not in NOT_TOLD})
    for name in ("created", "updated", "resolutiondate"):
        raw[name] = iso(fields.get(name))
    raw["project"], raw["status_category"] = fields["project"]["key"], category(fields["status"])
    raw["description"] = (fields.get("description") or "").replace(
        "\r\n", "\n"
    )  # pages send the one, programs the other
    raw["labels"] = [label for label in fields.get("labels") or [] if not is_our_label(label)]
    severity = dict(zip(priorities(params), SEVERITIES, strict=False)).get(raw.get("priority") or "")
    return raw | ({"severity": severity} if severity else {})


def plain(value):
    """The value without its wrapping; '' for none."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return "" if value is None else value
    found = next((value[key] for key in ("value", "name", "displayName", "key", "id") if value.get(key)), "")
    return f"{found} - {plain(value['child'])}" if value.get("child") else found


def category(status):
    return (status.get("statusCategory") or {}).get("key", "")


def is_our_label(label):
    return bool(re.fullmatch(LABEL + r"[A-Za-z0-9.-]{4,64}", label))


def priorities(params):
    """Names of the priorities, from Critical to Informational."""
    return argToList(params.get("priorities") or PRIORITIES)


def is_closed(status, params):
    """Whether a status counts as closed: it is one of the named ones, or, when none is named, of the category Done."""
    named = [name.lower() for name in argToList(params.get("closed_statuses"))]
    return status["name"].lower() in named if named else category(status) == "done"


# The commands


def test_module(client, params):
    client.zone()
    if client.read("serverInfo").get("deploymentType") == "Cloud":
        return "This integration speaks with Jira Data Center. Jira Cloud has another API for searches and users."
    project = params.get("project")
    kinds = {
        kind["name"]: kind["id"]
        for kind in client.read(f"issue/createmeta/{project}/issuetypes", maxResults=200)["values"]
    }
    kind = issue_type(params)
    if kind not in kinds:
        return f"The project {project} has no issue type {kind} that this user may create; it has {', '.join(sorted(kinds))}."
    screen = client.read(f"issue/createmeta/{project}/issuetypes/{kinds[kind]}", maxResults=1000)["values"]
    if "labels" not in [field["fieldId"] for field in screen]:
        return f"The screen on which {kind} issues of {project} are created lacks the field Labels, by which casemirror finds them."
    client.page(fetch_condition(params) + " ORDER BY created ASC", 0, 1, ["created"])
    return (
        missing(client, "status", argToList(params.get("closed_statuses")))
        or missing(client, "priority", priorities(params))
        or missing(client, "resolution", [params.get("resolution") or "Done"])
        or "ok"
    )


def missing(client, kind, names):
    """A sentence about the names that Jira does not have; '' when it has all."""
    known = [item["name"] for item in client.read(kind)]
    unknown = [name for name in names if name.lower() not in [each.lower() for each in known]]
    return f"Jira has no {kind} {', '.join(unknown)}; it has {', '.join(known)}." if unknown else ""


def issue_type(params):
    return params.get("issue_type") or "Task"


def fetch_condition(params):
    condition = f'project = "{params.get("project")}"'
    return f"{condition} AND ({params['query']})" if params.get("query") else condition


def fetch_incidents(client, params):
    """New issues, oldest first; those that we created ourselves are passed over."""
    last = demisto.getLastRun() or {}
    since = utc(last.get("since") or arg_to_datetime(params.get("first_fetch") or "3 days", required=True).isoformat())
    seen = last.get("seen") or {}  # id → created
    limit = arg_to_number(params.get("max_fetch")) or 50
    page_size = min(client.page_size, limit + len(seen) + 1)
    wanted = ["*all", *(f"-{name}" for name in NOT_TOLD)]
    rows = unseen(client.since(fetch_condition(params), "created", since, wanted, page_size), seen)
    incidents = []
    for issue in itertools.islice(rows, limit):
        created = moment_of(issue["fields"]["created"])
        seen[issue["id"]] = created.isoformat()
        since = max(since, created - LOOK_BACK)
        if client.is_me(issue["fields"].get("creator")) and any(map(is_our_label, issue["fields"].get("labels") or [])):
            continue
        raw = as_object(client, issue, params) | {
            "mirror_id": issue["id"],
            "mirror_direction": DIRECTIONS.get(params.get("mirror_direction")),
            "mirror_instance": demisto.integrationInstance(),
            "mirror_tags": [params[name] for name in ("comment_tag", "file_tag") if params.get(name)],
        }
        incidents.append({"name": raw["summary"], "occurred": raw["created"], "rawJSON": json.dumps(raw)})
    kept = {issue_id: created for issue_id, created in seen.items() if utc(created) >= since}
    demisto.setLastRun({"since": since.isoformat(), "seen": kept})
    return incidents


def unseen(rows, seen):
    """The issues that are not in `seen`, which the caller fills meanwhile."""
    return (row for row in rows if row["id"] not in seen)


def get_modified_remote_data(client, args):
    """Ids of the issues that changed, in the order of their change.  Comments and files change their issue, too."""
    since = utc(GetModifiedRemoteDataArgs(args).last_update)
    rows = client.since("", "updated", since, ["updated"], client.page_size)
    return GetModifiedRemoteDataResponse(list(dict.fromkeys(row["id"] for row in rows)))


def get_remote_data(client, args, params):
    """The issue as it is, what was said and attached since, and whether it is closed or open."""
    parsed = GetRemoteDataArgs(args)
    issue = client.issue(parsed.remote_incident_id)
    if issue is None:
        return f"Issue {parsed.remote_incident_id} was not found in Jira: it was deleted, or the user may not see it."
    since = utc(parsed.last_update)
    fields = issue["fields"]
    entries = [
        as_entry(comment)
        for comment in client.comments(issue["id"], fields.get("comment"))
        if is_news(client, comment, since)
    ]
    for file in fields.get("attachment") or []:
        if moment_of(file["created"]) >= since and not client.is_me(file.get("author")):
            known = {"Tags": ["jira-file"], "Note": False, "casemirror": {"id": f"file{file['id']}"}}
            entries.append({**fileResult(file["filename"], client.download(file)), **known})
    if params.get("close_incident", True):
        entries.append(state_entry(fields, is_closed(fields["status"], params)))
    return GetRemoteDataResponse(as_object(client, issue, params), entries)


def is_news(client, comment, since):
    """Whether somebody else wrote or edited this comment since; edited by us it is none."""
    if moment_of(comment["updated"]) < since or client.is_me(comment.get("updateAuthor")) and is_edited(comment):
        return False
    return is_edited(comment) or not is_ours(client, comment)


def is_edited(comment):
    return comment["updated"] != comment["created"]


def is_ours(client, comment):
    return client.is_me(comment.get("author")) and bool(TRAILER.search(comment["body"]))


def as_entry(comment):
    """An edited comment is another entry: what was read before stays as it was."""
    verb, who, when = ("edited by ", "updateAuthor", "updated") if is_edited(comment) else ("", "author", "created")
    name = plain(comment.get(who) or {"name": "anonymous"})
    said = f"{verb}{name}, {moment_of(comment[when]):%Y-%m-%d %H:%M:%S} UTC, in Jira"
    identity = f"comment{comment['id']}" + (f"-{iso(comment['updated'])}" if verb else "")
    text = "{}\n\n— {}".format(comment["body"].replace("\r\n", "\n"), said)
    return {
        "Type": EntryType.NOTE,
        "ContentsFormat": EntryFormat.TEXT,
        "Contents": text,
        "Note": False,
        "Tags": ["jira-comment"],
        "casemirror": {"id": identity},
    }


def state_entry(fields, closed):
    """The entry that closes the incident, or opens it again; the server ignores the one that tells nothing new."""
    state = {"dbotIncidentReopen": True}
    if closed:
        reason = plain(fields.get("resolution")) or fields["status"]["name"]
        state = {
            "dbotIncidentClose": True,
            "closeReason": reason,
            "closeNotes": f"Status {fields['status']['name']} in Jira.",
        }
    return {"Type": EntryType.NOTE, "ContentsFormat": EntryFormat.JSON, "Contents": state}


def update_remote_system(client, args, params):
    """Make the issue show what changed here; create it when there is none.  Safe to repeat after any failure."""
    parsed = UpdateRemoteSystemArgs(args)
    report = Report(parsed)
    try:
        return make_it_show(client, args, params, parsed, report)
    finally:
        if args.get("casemirror"):
            demisto.results({"casemirror": report.told()})


class Report:
    """What was not written for certain, and what was only looked for: casemirror repeats the one, and looks again for the other."""

    def __init__(self, parsed):
        self.unsent = [str(entry.get("id")) for entry in parsed.entries or []]
        self.unknown = []
        self.record = "" if parsed.remote_incident_id else "none"

    def told(self):
        return {"unsent": self.unsent, "unknown": self.unknown, "record": self.record}

    def is_there(self, entry_id):
        self.unsent = [each for each in self.unsent if each != entry_id]

    def is_unknown(self, entry_id):
        self.is_there(entry_id)
        self.unknown.append(entry_id)

    def write(self, entry_id, call):
        """Make a call that writes an entry: unless Jira refuses it, the entry may be there."""
        self.is_there(entry_id)
        try:
            call()
        except DemistoException as err:
            if is_refused(err):
                self.unsent.append(entry_id)
            raise

    def create(self, call):
        """Likewise for the issue."""
        self.record = ""
        try:
            return call()
        except DemistoException as err:
            if is_refused(err):
                self.record = "none"
            raise


def is_refused(err):
    """Jira answered that it did not do it (4xx); after any other failure it may have done it."""
    return 400 <= getattr(err.res, "status_code", 0) < 500


def is_at_fault(err):
    """What was sent does not fit: the rest may still be sent."""
    return getattr(err.res, "status_code", 0) in (400, 413)


def make_it_show(client, args, params, parsed, report):
    data, issue_id = parsed.data or {}, parsed.remote_incident_id
    changes, is_creation = parsed.delta or {}, not issue_id
    if is_creation:
        issue_id, is_new = create_issue(
            client, data, params, report, bool((args.get("casemirror") or {}).get("only_look"))
        )
        if not issue_id:
            return ""
        changes = {"status": data.get("status")} if is_new else data
    failures = []
    state = new_state(args, parsed)
    attempt(failures, partial(change_issue, client, issue_id, data, changes, state, params, must_step=not is_creation))
    for entry in parsed.entries or []:
        attempt(failures, partial(send_entry, client, issue_id, entry, report))
    if failures:
        raise failures[0]
    return issue_id


def attempt(failures, do):
    """Do one thing; that Jira refuses it for what it is, or for the issue's status, does not hold up the others."""
    try:
        do()
    except NoStep as err:
        failures.append(err)
    except DemistoException as err:
        if not is_at_fault(err):
            raise
        failures.append(err)


class NoStep(DemistoException):
    """The workflow has no such step from here."""


def create_issue(client, data, params, report, only_look):
    """(id, whether it is new) of the issue for this incident; safe to repeat.  '' when it may be there and is not seen yet."""
    reference = clean(
        data.get("casemirror_reference") or f"{demisto.integrationInstance()} {demisto.investigation().get('id')}"
    )
    label = LABEL + reference
    found, _ = client.page(f'labels = "{label}" AND creator = currentUser() ORDER BY key ASC', 0, 1, ["labels"])
    if found:
        return found[0]["id"], False
    if only_look:
        report.record = "unknown"
        return "", False
    given = as_fields(client, data, params)
    fields = {name: value for name, value in given.items() if value not in (None, "", [], {"name": None})}
    fields["labels"] = [*fields.get("labels", []), label]
    fields.setdefault("summary", "Untitled incident")
    fields |= {"project": {"key": params.get("project")}, "issuetype": {"name": issue_type(params)}}
    return report.create(lambda: client.create(fields)), True


def as_fields(client, values, params):
    """Fields as the API takes them."""
    found = {name: value for name, value in values.items() if name not in (*NOT_FIELDS, "severity")}
    for name, value in found.items():
        found[name] = as_field(client, name, "" if value is None else value)
    if "severity" in values:
        number = arg_to_severity(values["severity"])
        priority = dict(zip(SEVERITIES, priorities(params), strict=False)).get(number)
        found |= {"priority": {"name": priority}} if priority else {}
    return found


def arg_to_severity(value):
    """`3`, `3.0` and `"3"` are one severity."""
    try:
        return f"{float(value):g}"
    except (TypeError, ValueError):
        return ""


def as_field(client, name, value):
    """One value in the wrapping of its field's kind."""
    if name == "summary":
        return re.sub(r"\s*[\r\n]+\s*", " ", str(value)).strip()  # Jira refuses one of several lines
    if name in ("description", "environment"):
        return str(value)
    if name == "labels":
        return argToList(value)
    kind = {"type": "user"} if name in ("assignee", "reporter") else client.schema(name)
    if kind.get("type") == "array":
        return [wrapped(kind.get("items"), item) for item in argToList(value)]
    return wrapped(kind.get("type"), value)


def wrapped(kind, value):
    if kind == "user":
        return {"name": str(value) or None}
    if value == "":
        return None
    if kind == "option":
        return {"value": str(value)}
    if kind in ("priority", "version", "component", "group", "issuetype", "securitylevel"):
        return {"name": str(value)}
    return float(value) if kind == "number" else value


def change_issue(client, issue_id, data, changes, state, params, must_step):
    """Fields, then the status; opened before the fields, since a closed issue may not let them be edited, and closed after them.

    must_step   False: a status that the workflow does not offer is passed over. It may come from another Jira's workflow.
    """
    fields = as_fields(client, changes, params)
    wanted = str(changes.get("status") or "")
    if state == "closed" and not params.get("close_ticket", True):
        state = ""
    if not (state or wanted or fields):
        return
    issue = client.must_find(issue_id, "status,labels") if state or wanted or "labels" in fields else None
    status = issue["fields"]["status"] if issue else None
    failures = []
    if state == "open" and is_closed(status, params):
        attempt(failures, partial(turn, client, issue_id, wanted, False, data, params))
        status = client.must_find(issue_id, "status")["fields"]["status"]
    if "labels" in fields:
        ours = [label for label in issue["fields"].get("labels") or [] if is_our_label(label)]
        fields["labels"] = [*fields["labels"], *ours]
    if fields:
        attempt(failures, partial(client.edit, issue_id, fields))
    if state == "closed":  # what a person closed, in whatever way, stays as it is
        if not is_closed(status, params):
            attempt(failures, partial(turn, client, issue_id, wanted, True, data, params))
    elif wanted and wanted.lower() != status["name"].lower():
        attempt(failures, partial(move, client, issue_id, wanted, must_step, data, params))
    if failures:
        raise failures[0]


def turn(client, issue_id, wanted, is_closing, data, params):
    """Close or reopen: by the step to the wanted status if that does it, else by the named step, else by the first that does.

    Before a close the reason is told, and looked for, since nothing is asked of what is closed already.  Raises NoStep.
    """
    if is_closing:
        say_why(client, issue_id, data)
    named = params.get("close_transition" if is_closing else "reopen_transition") or ""
    offered = client.steps(issue_id)
    fitting = [step for step in offered if is_closed(step["to"], params) == is_closing]
    likely = [step for step in fitting if leads_to(step, wanted)]
    likely += [step for step in offered if is_named(step, named)] if named else fitting
    if not likely:
        raise no_step(issue_id, named or ("a closed status" if is_closing else "an open status"), offered)
    client.make_step(issue_id, likely[0], screen_values(likely[0], data, params))


def move(client, issue_id, wanted, must_step, data, params):
    """Make the step to the wanted status.  Raises NoStep, if it must be made."""
    offered = client.steps(issue_id)
    step = next((step for step in offered if leads_to(step, wanted)), None)
    if step:
        client.make_step(issue_id, step, screen_values(step, data, params))
    elif must_step:
        raise no_step(issue_id, wanted, offered)


def leads_to(step, status):
    return step["to"]["name"].lower() == status.lower()


def is_named(step, name):
    return name.lower() in (step["name"].lower(), step["to"]["name"].lower())


def no_step(issue_id, where_to, offered):
    names = ", ".join("{} → {}".format(step["name"], step["to"]["name"]) for step in offered) or "none at all"
    return NoStep(
        f"From its status the workflow of issue {issue_id} has no step to {where_to} for this user; it has: {names}."
    )


def screen_values(step, data, params):
    """The resolution, where the step asks for one: the close reason if there is one of that name, else the configured one."""
    asked = (step.get("fields") or {}).get("resolution")
    if not asked:
        return {}
    known = {item["name"].lower(): item["name"] for item in asked.get("allowedValues") or []}
    for name in (data.get("closeReason"), params.get("resolution") or "Done"):
        if str(name or "").lower() in known:
            return {"resolution": {"name": known[str(name).lower()]}}
    first = next(iter(known.values()), None)
    return {"resolution": {"name": first}} if first and asked.get("required") else {}


def say_why(client, issue_id, data):
    """The close reason and notes as a comment, unless it is the newest one already: then the step after it failed."""
    reason, notes = data.get("closeReason") or "", data.get("closeNotes") or ""
    text = "\n".join(part for part in (f"Closed: {reason}" if reason else "Closed.", notes) if part)
    reference = clean(f"closed {issue_id} {text}")
    newest = sorted(client.comments(issue_id), key=lambda comment: moment_of(comment["created"]))[-1:]
    if not any(is_said_by(client, comment, reference) for comment in newest):
        client.comment(issue_id, f"{text}\n\n— via casemirror (ref {reference})")


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


def send_entry(client, issue_id, entry, report):
    """Write a comment, or attach a file; one of uncertain outcome is looked for first, or only looked for."""
    entry_id = str(entry.get("id"))
    mark = entry.get("casemirror") or {"uncertain": True}  # another server does not say: look first
    reference = clean(mark.get("reference") or f"{demisto.integrationInstance()} {entry.get('id')}")
    is_file = entry.get("type") == EntryType.FILE or entry.get("file")
    is_there, write = file_of(client, issue_id, entry) if is_file else words_of(client, issue_id, entry, reference)
    if mark.get("uncertain") and is_there():
        report.is_there(entry_id)
    elif mark.get("only_look"):
        report.is_unknown(entry_id)
    else:
        report.write(entry_id, write)


def words_of(client, issue_id, entry, reference):
    """(whether the comment is there, write it), as functions."""
    text = f"{entry.get('contents') or ''}\n\n— {entry.get('user') or 'dbot'} via casemirror (ref {reference})"
    return partial(is_said, client, issue_id, reference), partial(client.comment, issue_id, text)


def file_of(client, issue_id, entry):
    """(whether the file is there, attach it), as functions."""
    staged = demisto.getFilePath(entry["id"])
    with open(staged["path"], "rb") as file:
        body = file.read()
    name = staged["name"]
    return partial(is_attached, client, issue_id, name, body), partial(client.upload, issue_id, name, body)


def is_said(client, issue_id, reference):
    return any(is_said_by(client, comment, reference) for comment in client.comments(issue_id))


def is_said_by(client, comment, reference):
    """Whether a comment is ours and carries this reference; a person may have edited it."""
    return client.is_me(comment.get("author")) and f"(ref {reference})" in comment["body"]


def is_attached(client, issue_id, name, body):
    files = client.must_find(issue_id, "attachment")["fields"].get("attachment") or []
    alike = [
        file
        for file in files
        if file["filename"] == name and file["size"] == len(body) and client.is_me(file.get("author"))
    ]
    return any(client.download(file) == body for file in alike)


def clean(reference):
    """The reference as it is when it is short and plain, else a digest of it."""
    return (
        reference
        if re.fullmatch(r"[A-Za-z0-9.-]{4,64}", reference)
        else hashlib.sha256(reference.encode()).hexdigest()[:16]
    )


def get_mapping_fields(client):
    """The fields of this Jira, with their names."""
    scheme = SchemeTypeMapping("Jira Issue")
    for field in sorted(client.read("field"), key=lambda field: field["id"]):
        scheme.add_field(field["id"], field["name"])
    scheme.add_field("severity", "Number of the severity; the priority by the list of the instance")
    scheme.add_field("casemirror_reference", "Reference of the incident; only used when an issue is created")
    return GetMappingFieldsResponse([scheme])


def main():
    params, args, command = demisto.params(), demisto.args(), demisto.command()
    try:
        credentials, token = params.get("credentials") or {}, params.get("token") or ""
        if not token and not credentials.get("identifier"):
            raise DemistoException("Give a user name and a password, or a personal access token.")
        client = Client(
            params["url"],
            credentials.get("identifier") or "",
            credentials.get("password") or "",
            token,
            verify=not params.get("insecure"),
            proxy=bool(params.get("proxy")),
            page_size=arg_to_number(params.get("page_size")) or 1000,
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
