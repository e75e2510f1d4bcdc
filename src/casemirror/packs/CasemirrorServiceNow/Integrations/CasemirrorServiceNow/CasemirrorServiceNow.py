"""ServiceNow: records of one table as incidents, kept the same in both directions over the Table and Attachment APIs.

Written from the vendor's documentation of these APIs. How each thing is done once, although any call may be lost or repeated:

* a record that we create carries the incident's reference in `correlation_id`; it is looked up first, so a repeated
  creation adopts what is there
* a comment or work note ends in a line with the entry's reference; an uncertain one is looked up before it is written
* an uncertain file is looked up by name, size and uploader among the record's attachments
* searches may be late: as long as the server says `only_look`, what is not found is not written but told to be unknown
* fields are written one by one as they changed, which may be repeated
"""

import demistomock as demisto
from CommonServerPython import *

import hashlib
import json
import mimetypes
import re
import time
from datetime import datetime, timedelta, timezone

import urllib3

urllib3.disable_warnings()

DIRECTIONS = {"Incoming": "In", "Outgoing": "Out", "Incoming And Outgoing": "Both"}
CLOSING_NAMES = ("closeReason", "closeNotes", "closingUserId")
NOT_COLUMNS = (*CLOSING_NAMES, "owner", "casemirror_reference")
DATES = ("opened_at", "closed_at", "resolved_at", "due_date", "sys_created_on", "sys_updated_on")
JOURNALS = {"comments": "comment", "work_notes": "work note"}

# State that a record of the table is closed with, and reopened to; the base system's codes.
STATES = {
    "incident": ("7", "2"), "problem": ("4", "1"), "change_request": ("3", "-1"),
    "sc_task": ("3", "2"), "sc_req_item": ("3", "2"), "sn_si_incident": ("3", "16"),
}
# Incidents and problems have no priority of their own: it follows from impact and urgency.
FROM_MATRIX = ("incident", "problem")
MATRIX = {"1": ("1", "1"), "2": ("1", "2"), "3": ("2", "2"), "4": ("2", "3"), "5": ("3", "3")}

ORIGIN = "casemirror"  # correlation_display of what we create
TRAILER = re.compile(r"— [^\n]*via casemirror \[ref [\w.-]+\]\s*\Z")

TIMEOUT_S = 60
READ_TRIES = 3
# A fetch reads the last two minutes again and knows by id what it had: rows may become visible late.
LOOK_BACK = timedelta(minutes=2)


class Unavailable(DemistoException):
    """No answer, or one that says the server is not ready: reading may be tried again."""


class Client(BaseClient):
    """One table of one instance, as one user."""

    def __init__(self, url, user, password, table, verify=True, proxy=False, page_size=1000):
        self.instance, self.table, self.user, self.page_size = url.rstrip("/"), table, user, page_size
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        base = self.instance + "/api/now/"
        super().__init__(base, verify=verify, proxy=proxy, headers=headers, auth=(user, password), timeout=TIMEOUT_S)

    def is_me(self, user_name):
        return user_name.lower() == self.user.lower()  # the log-in does not mind the case

    def call(self, method, path, **kwargs):
        """One request → response.  Raises DemistoException with a text for a person, Unavailable when there is no answer."""
        try:
            return self._http_request(method, path, resp_type="response", error_handler=explain, **kwargs)
        except DemistoException as err:
            if err.res is None:
                raise Unavailable(f"ServiceNow at {self.instance} cannot be reached. {err}", err) from err
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

    def page(self, path, query, fields="", limit=None, offset=0, display="false"):
        """(rows, whether there are more).  A page may be short or empty although more follow: hidden rows count."""
        limit = limit or self.page_size
        params = {"sysparm_query": query, "sysparm_limit": limit, "sysparm_offset": offset, "sysparm_display_value": display}
        res = self.get(path, params={**params, "sysparm_fields": fields} if fields else params)
        rows = read_json(res)
        return rows, "next" in res.links or ("Link" not in res.headers and len(rows) == limit)

    def since(self, path, stamp_column, since, query, fields):
        """All rows with stamp_column ≥ since, oldest first.

        The next page starts at the last stamp and not at an offset: rows that change meanwhile would shift the others.
        """
        offset = 0
        while True:
            window = f"{query}^{stamp_column}>={since}^ORDERBY{stamp_column}^ORDERBYsys_id".lstrip("^")
            rows, more = self.page(path, window, f"{fields},{stamp_column}", offset=offset)
            yield from rows
            if not more:
                return
            last = rows[-1][stamp_column] if rows else since
            since, offset = (last, 0) if last > since else (since, offset + self.page_size)

    def record(self, sys_id):
        """The record, each column as {value, display_value}; None when it is not there (or hidden, which looks the same)."""
        if not re.fullmatch(r"[0-9a-fA-F]{32}", str(sys_id)):
            return None
        try:
            return read_json(self.get(f"table/{self.table}/{sys_id}", params={"sysparm_display_value": "all"}))
        except DemistoException as err:
            if getattr(err.res, "status_code", 0) == 404:
                return None
            raise

    def create(self, values):
        return read_json(self.call("POST", f"table/{self.table}", json_data=values, params={"sysparm_fields": "sys_id"}))["sys_id"]

    def update(self, sys_id, values):
        read_json(self.call("PATCH", f"table/{self.table}/{sys_id}", json_data=values, params={"sysparm_fields": "sys_id"}))

    def upload(self, sys_id, name, body):
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        params = {"table_name": self.table, "table_sys_id": sys_id, "file_name": name}
        read_json(self.call("POST", "attachment/file", params=params, data=body, headers={**self._headers, "Content-Type": kind}))


def explain(res):
    """Raise what an unaccepted answer means, in words for a person."""
    text = error_text(res)
    if res.status_code == 429:
        wait = res.headers.get("Retry-After")
        raise DemistoException("API rate limit" + (f"; retry after {wait} s" if wait else ""), res=res)
    if res.status_code in (502, 503, 504):
        raise Unavailable(f"ServiceNow is not available: {res.status_code} {text}", res=res)
    if res.status_code == 401:
        raise DemistoException(f"ServiceNow refused the user name or the password: {text}", res=res)
    if res.status_code == 403:
        raise DemistoException(f"ServiceNow forbids this (rights of the user, or a rule of the table): {text}", res=res)
    raise DemistoException(f"ServiceNow answered {res.status_code}: {text}", res=res)


def error_text(res):
    """The message and the detail inside an error answer."""
    try:
        error = res.json()["error"]
        return ". ".join(str(error[part]) for part in ("message", "detail") if error.get(part))
    except (ValueError, KeyError, TypeError):
        return "an HTML page" if is_html(res) else res.text.strip()[:300] or res.reason


def is_html(res):
    return res.text.lstrip()[:1] == "<"


def read_json(res):
    try:
        return res.json()["result"]
    except (ValueError, KeyError, TypeError):
        what = "an HTML page" if is_html(res) else "something that is no answer of its API"
        raise DemistoException(
            f"Instead of data ServiceNow sent {what}: the URL is wrong, or the instance hibernates.", res=res
        ) from None


# Times: the API writes 2024-01-31 10:20:30 and means UTC, whatever the user's zone is.


def utc(text):
    """Aware datetime from what the server passes, not before 1970."""
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        moment = arg_to_datetime(text, required=True)
    moment = moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
    return max(moment, datetime(1970, 1, 1, tzinfo=timezone.utc))


def stamp(moment):
    return moment.strftime("%Y-%m-%d %H:%M:%S")


# Records as raw objects


def as_object(client, record):
    """The raw object that the mappers see.

    Every column by its database value, but: a reference by its name (its sys_id under `<column>_id`), the state as
    `code - name`, times as ISO 8601. The journals are left out; they come as entries.
    """
    raw = {"in_mirror_error": ""}
    for name, cell in record.items():
        if not isinstance(cell, dict):
            raw[name] = cell
        elif cell.get("link"):
            raw[name], raw[name + "_id"] = cell["display_value"], cell["value"]
        else:
            raw[name] = (cell.get("value") or "").replace("\r\n", "\n")  # pages send the one, programs the other
    for name in DATES:
        if raw.get(name):
            raw[name] = raw[name].replace(" ", "T") + "Z"
    for name in ("comments", "work_notes", "comments_and_work_notes"):
        raw.pop(name, None)
    raw["state"] = f"{raw['state']} - {record['state']['display_value']}"
    raw["link"] = f"{client.instance}/nav_to.do?uri={client.table}.do?sys_id={raw['sys_id']}"
    return raw


def is_closed(record, params, table):
    state = record["state"]["value"]
    resolved = params.get("resolved_is_closed") and table == "incident" and state == "6"
    return record["active"]["value"] == "false" or state == closed_state(params, table) or bool(resolved)


def closed_state(params, table):
    return params.get("closed_state") or STATES.get(table, ("3", "1"))[0]


def may_have_words_since(record, since):
    """False only if the journals, which a record shows newest first, surely hold nothing since; saves a request."""
    try:
        form = "%Y-%m-%d %H:%M:%S"
        zone = datetime.strptime(record["sys_updated_on"]["display_value"], form) - datetime.strptime(
            record["sys_updated_on"]["value"], form
        )
        texts = [record[name]["display_value"] for name in JOURNALS]
        newest = max((datetime.strptime(text[:19], form) - zone for text in texts if text), default=datetime.min)
        # an hour more, since summer time may have come or gone between the two
        return newest + timedelta(hours=1) >= since.replace(tzinfo=None)
    except (ValueError, KeyError, TypeError, OverflowError):
        return True


# The commands


def test_module(client, params):
    client.page(f"table/{client.table}", params.get("query") or "", "sys_id,state,correlation_id", limit=1)
    client.page("table/sys_journal_field", f"name={client.table}", "sys_id", limit=1)
    client.page("attachment", f"table_name={client.table}", "sys_id", limit=1)
    return "ok"


def fetch_incidents(client, params):
    """New records, oldest first; those that we created ourselves are passed over."""
    last = demisto.getLastRun() or {}
    since = last.get("since") or stamp(utc(arg_to_datetime(params.get("first_fetch") or "3 days", required=True).isoformat()))
    seen = last.get("seen") or {}  # sys_id → sys_created_on
    limit = arg_to_number(params.get("max_fetch")) or 50
    window = f"^sys_created_on>={since}"
    query = "^NQ".join(part + window for part in (params.get("query") or "").split("^NQ"))  # ^NQ: or a query of its own
    query = f"{query}^ORDERBYsys_created_on^ORDERBYsys_id".lstrip("^")
    new, offset, more = [], 0, True
    while more and len(new) < limit:
        rows, more = client.page(f"table/{client.table}", query, limit=limit + len(seen), offset=offset, display="all")
        new += [row for row in rows if row["sys_id"]["value"] not in seen]
        offset += limit + len(seen)
    incidents = []
    for record in new[:limit]:
        seen[record["sys_id"]["value"]] = record["sys_created_on"]["value"]
        if record["correlation_display"]["value"] == ORIGIN and client.is_me(record["sys_created_by"]["value"]):
            continue
        raw = as_object(client, record) | {
            "mirror_id": record["sys_id"]["value"],
            "mirror_direction": DIRECTIONS.get(params.get("mirror_direction")),
            "mirror_instance": demisto.integrationInstance(),
            "mirror_tags": [params[name] for name in ("comment_tag", "work_notes_tag", "file_tag") if params.get(name)],
        }
        incidents.append({"name": raw["short_description"], "occurred": raw["opened_at"], "rawJSON": json.dumps(raw)})
    if new:
        newest = datetime.strptime(new[:limit][-1]["sys_created_on"]["value"], "%Y-%m-%d %H:%M:%S")
        since = max(since, stamp(newest - LOOK_BACK))
    demisto.setLastRun({"since": since, "seen": {sys_id: created for sys_id, created in seen.items() if created >= since}})
    return incidents


def get_modified_remote_data(client, args):
    """Ids of the records that changed, or that something was said about or attached to, which need not change them."""
    since = stamp(utc(GetModifiedRemoteDataArgs(args).last_update))
    table = client.table
    ids = {row["sys_id"]: None for row in client.since(f"table/{table}", "sys_updated_on", since, "", "sys_id")}
    words = f"name={table}^elementIN{','.join(JOURNALS)}"
    ids.update((row["element_id"], None) for row in client.since("table/sys_journal_field", "sys_created_on", since, words, "element_id"))
    files = client.since("attachment", "sys_created_on", since, f"table_name={table}", "table_sys_id")
    ids.update((row["table_sys_id"], None) for row in files)
    return GetModifiedRemoteDataResponse(list(ids))


def get_remote_data(client, args, params):
    """The record as it is, what was said and attached since, and whether it is closed or open."""
    parsed = GetRemoteDataArgs(args)
    record = client.record(parsed.remote_incident_id)
    if record is None:
        return f"Record {parsed.remote_incident_id} was not found in ServiceNow: it was deleted, or the user may not see it."
    since = utc(parsed.last_update)
    sys_id, entries = record["sys_id"]["value"], []
    if may_have_words_since(record, since):
        query = f"element_id={sys_id}^elementIN{','.join(JOURNALS)}"
        words = client.since("table/sys_journal_field", "sys_created_on", stamp(since), query, "sys_id,element,value,sys_created_by")
        entries += [as_entry(row) for row in unique(words) if not is_ours(client, row)]
    fields = "sys_id,file_name,sys_created_by"
    for row in unique(client.since("attachment", "sys_created_on", stamp(since), f"table_sys_id={sys_id}", fields)):
        if not client.is_me(row["sys_created_by"]):
            body = client.get(f"attachment/{row['sys_id']}/file", headers={"Accept": "*/*"}).content
            known = {"Tags": ["servicenow-file"], "Note": False, "casemirror": {"id": row["sys_id"]}}
            entries.append({**fileResult(row["file_name"], body), **known})
    raw = as_object(client, record)
    if params.get("close_incident", True):
        entries.append(state_entry(raw, is_closed(record, params, client.table)))
    return GetRemoteDataResponse(raw, entries)


def unique(rows):
    """Each row once: a new page begins at the last one's stamp."""
    return {row["sys_id"]: row for row in rows}.values()


def is_ours(client, row):
    return client.is_me(row["sys_created_by"]) and bool(TRAILER.search(row["value"]))


def as_entry(row):
    said = f"{row['sys_created_by']}, {row['sys_created_on']} UTC, {JOURNALS[row['element']]} in ServiceNow"
    tag = "servicenow-" + JOURNALS[row["element"]].replace(" ", "-")
    text = f"{row['value']}\n\n— {said}"
    return {
        "Type": EntryType.NOTE, "ContentsFormat": EntryFormat.TEXT, "Contents": text, "Note": False, "Tags": [tag],
        "casemirror": {"id": row["sys_id"]},
    }


def state_entry(raw, closed):
    """The entry that closes the incident, or opens it again; the server ignores the one that tells nothing new."""
    state = {"dbotIncidentReopen": True}
    if closed:
        reason = raw.get("close_code") or raw["state"].partition(" - ")[2]
        state = {"dbotIncidentClose": True, "closeReason": reason, "closeNotes": raw.get("close_notes") or ""}
    return {"Type": EntryType.NOTE, "ContentsFormat": EntryFormat.JSON, "Contents": state}


def update_remote_system(client, args, params):
    """Make the record show what changed here; create it when there is none.  Safe to repeat after any failure."""
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
        """Make a call that writes an entry: unless ServiceNow refuses it, the entry may be there."""
        self.is_there(entry_id)
        try:
            call()
        except DemistoException as err:
            if is_refused(err):
                self.unsent.append(entry_id)
            raise

    def create(self, call):
        """Likewise for the record."""
        self.record = ""
        try:
            return call()
        except DemistoException as err:
            if is_refused(err):
                self.record = "none"
            raise


def is_refused(err):
    """ServiceNow answered that it did not do it (4xx); after any other failure it may have done it."""
    return 400 <= getattr(err.res, "status_code", 0) < 500


def make_it_show(client, args, params, parsed, report):
    data, sys_id = parsed.data or {}, parsed.remote_incident_id
    changes = parsed.delta or {}
    state = new_state(args, parsed)
    if not sys_id:
        sys_id, is_new = create_record(client, data, report, bool((args.get("casemirror") or {}).get("only_look")))
        if not sys_id:
            return ""
        changes = {} if is_new else data
    failure = None
    try:
        values = columns(client.table, changes)
        if state == "closed" and params.get("close_ticket", True):
            values |= closing_values(client, sys_id, data, changes, params)
        elif state == "open":
            values = reopening_values(client, sys_id, params) | values
        if values:
            client.update(sys_id, values)
    except Unavailable:
        raise
    except DemistoException as err:  # a refused field does not hold up what was said
        if "API rate limit" in str(err):
            raise
        failure = err
    for entry in parsed.entries or []:
        send_entry(client, sys_id, entry, params, report)
    if failure:
        raise failure
    return sys_id


def create_record(client, data, report, only_look):
    """(sys_id, whether it is new) of the record for this incident; safe to repeat.  '' when it may be there and is not seen yet."""
    reference = clean(data.get("casemirror_reference") or f"{demisto.integrationInstance()} {demisto.investigation().get('id')}")
    query = f"correlation_id={reference}^correlation_display={ORIGIN}^ORDERBYsys_created_on"
    found, _ = client.page(f"table/{client.table}", query, "sys_id", limit=1)
    if found:
        return found[0]["sys_id"], False
    if only_look:
        report.record = "unknown"
        return "", False
    values = {name: value for name, value in columns(client.table, data).items() if value != ""}
    values |= {"correlation_id": reference, "correlation_display": ORIGIN}
    return report.create(lambda: client.create(values)), True


def columns(table, values):
    """Columns as the API takes them: the code of a state, impact and urgency for a priority, '' for no value."""
    found = {name: "" if value is None else value for name, value in values.items() if name not in NOT_COLUMNS}
    if "state" in found:
        found["state"] = str(found["state"]).partition(" - ")[0]
        if not found["state"]:
            del found["state"]
    if "priority" in found:
        priority = str(found.pop("priority"))
        if priority in MATRIX and table in FROM_MATRIX:
            found["impact"], found["urgency"] = MATRIX[priority]
        elif priority in MATRIX:
            found["priority"] = priority
    return found


def closing_values(client, sys_id, data, changes, params):
    """State, code and notes that close the record; {} when it is closed, whoever did it."""
    record = must_find(client, sys_id)
    if is_closed(record, params, client.table):
        return {}
    said = data.get("closeNotes") or data.get("closeReason")
    return {
        "state": closed_state(params, client.table),
        "close_code": data.get("close_code") or params.get("close_code") or "Solution provided",
        "close_notes": changes.get("close_notes") or said or data.get("close_notes") or "Closed by casemirror.",
    }


def reopening_values(client, sys_id, params):
    record = must_find(client, sys_id)
    if not is_closed(record, params, client.table):
        return {}
    return {"state": params.get("reopened_state") or STATES.get(client.table, ("3", "1"))[1]}


def must_find(client, sys_id):
    record = client.record(sys_id)
    if record is None:
        raise DemistoException(f"Record {sys_id} was not found in ServiceNow.")
    return record


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


def send_entry(client, sys_id, entry, params, report):
    """Write a comment or work note, or attach a file; one of uncertain outcome is looked for first, or only looked for."""
    entry_id = str(entry.get("id"))
    mark = entry.get("casemirror") or {"uncertain": True}  # another server does not say: look first
    reference = clean(mark.get("reference") or f"{demisto.integrationInstance()} {entry.get('id')}")
    if entry.get("type") == EntryType.FILE or entry.get("file"):
        staged = demisto.getFilePath(entry["id"])
        with open(staged["path"], "rb") as file:
            body = file.read()
        is_there = lambda: is_attached(client, sys_id, staged["name"], len(body))
        write = lambda: client.upload(sys_id, staged["name"], body)
    else:
        element = "work_notes" if params.get("work_notes_tag") in (entry.get("tags") or []) else "comments"
        text = f"{entry.get('contents') or ''}\n\n— {entry.get('user') or 'dbot'} via casemirror [ref {reference}]"
        is_there = lambda: is_said(client, sys_id, reference)
        write = lambda: client.update(sys_id, {element: text})
    if mark.get("uncertain") and is_there():
        report.is_there(entry_id)
    elif mark.get("only_look"):
        report.is_unknown(entry_id)
    else:
        report.write(entry_id, write)


def is_said(client, sys_id, reference):
    query = f"element_id={sys_id}^valueLIKE[ref {reference}]"
    return bool(client.page("table/sys_journal_field", query, "sys_id", limit=1)[0])


def is_attached(client, sys_id, name, size):
    rows = client.since("attachment", "sys_created_on", "1970-01-01 00:00:00", f"table_sys_id={sys_id}", "file_name,size_bytes,sys_created_by")
    return any(
        row["file_name"] == name and str(row["size_bytes"]) == str(size) and client.is_me(row["sys_created_by"]) for row in rows
    )


def clean(reference):
    """The reference as it is when it is short and plain, else a digest of it."""
    return reference if re.fullmatch(r"[A-Za-z0-9.-]{4,64}", reference) else hashlib.sha256(reference.encode()).hexdigest()[:16]


def get_mapping_fields(client):
    """The table's columns, by one of its records."""
    rows, _ = client.page(f"table/{client.table}", "", limit=1)
    scheme = SchemeTypeMapping(client.table)
    for name in sorted(rows[0] if rows else ("short_description", "description", "state", "priority")):
        scheme.add_field(name, "Column of the table")
    scheme.add_field("casemirror_reference", "Reference of the incident; only used when a record is created")
    return GetMappingFieldsResponse([scheme])


def main():
    params, args, command = demisto.params(), demisto.args(), demisto.command()
    try:
        credentials = params.get("credentials") or {}
        client = Client(
            params["url"], credentials.get("identifier") or "", credentials.get("password") or "",
            params.get("ticket_type") or "incident", verify=not params.get("insecure"), proxy=bool(params.get("proxy")),
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
