"""Cortex XDR: its incidents, kept the same in both directions over the public API's incident calls.

Written from the vendor's documentation ("Cortex XDR REST API": Get all Incidents, Get Extra Incident Data, Update an
Incident, Get Started with APIs). What follows from these calls:

* incidents are made by Cortex XDR alone: no call creates one, so an incident here is tied to one that is there
* an incident is read by get_incidents, which has no documented limit; get_incident_extra_data, of which ten calls a minute are
  allowed, is made only when alerts are wanted
* comments can be added and cannot be read: one whose outcome is unknown cannot be looked for
* fields are written as they changed, which may be repeated
"""

# ruff: noqa: F403, F405, BLE001 (the contract's star import; main() reports whatever happens)
import hashlib
import json
import secrets
import string
import time
from datetime import UTC, datetime

import demistomock as demisto
import urllib3
from CommonServerPython import *

urllib3.disable_warnings()

DIRECTIONS = {"Incoming": "In", "Outgoing": "Out", "Incoming And Outgoing": "Both"}
CLOSING_NAMES = ("closeReason", "closeNotes", "closingUserId")

PAGE = 100  # the most that one answer has
ALERTS = 1000
DATES = ("creation_time", "modification_time", "detection_time", "resolved_timestamp")
TEXTS = (
    "incident_name",
    "description",
    "assigned_user_mail",
    "assigned_user_pretty_name",
    "notes",
    "resolve_comment",
    "manual_severity",
    "manual_description",
)
ALERT_COLUMNS = (
    "alert_id",
    "name",
    "severity",
    "source",
    "category",
    "action_pretty",
    "host_name",
    "user_name",
    "detection_timestamp",
)

MANUAL_SEVERITIES = ("low", "medium", "high")
NEAREST = {"critical": "high", "informational": "low"}
# Close reason of an incident here, and status there.
REASONS = {"False Positive": "resolved_false_positive", "Duplicate": "resolved_duplicate", "Other": "resolved_other"}

TIMEOUT_S = 60
READ_TRIES = 3
# A fetch reads the last two minutes again and knows by id what it had: incidents may become visible late.
LOOK_BACK_MS = 120_000


class Unavailable(DemistoException):
    """No answer, or one that says the server is not ready: reading may be tried again."""


class Client(BaseClient):
    """The incidents of one tenant, by one API key."""

    def __init__(self, url, key_id, key, advanced=True, verify=True, proxy=False):
        self.tenant, self.key_id, self.key, self.advanced = url.rstrip("/"), key_id, key, advanced
        super().__init__(self.tenant + "/public_api/v1/incidents/", verify=verify, proxy=proxy, timeout=TIMEOUT_S)

    def signed(self):
        """Headers of one request: the key, or a proof of it with a random text and the time."""
        headers = {"Accept": "application/json", "x-xdr-auth-id": self.key_id}
        if not self.advanced:
            return {**headers, "Authorization": self.key}
        nonce = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(64))
        stamp = str(int(time.time() * 1000))
        proof = hashlib.sha256(f"{self.key}{nonce}{stamp}".encode()).hexdigest()
        return {**headers, "x-xdr-nonce": nonce, "x-xdr-timestamp": stamp, "Authorization": proof}

    def call(self, name, **asked):
        """One request → its `reply`.  Raises DemistoException with a text for a person, Unavailable when there is no answer."""
        try:
            res = self._http_request(
                "POST",
                name,
                json_data={"request_data": asked},
                headers=self.signed(),
                resp_type="response",
                error_handler=explain,
            )
        except DemistoException as err:
            if err.res is None:
                raise Unavailable(f"Cortex XDR at {self.tenant} cannot be reached. {err}", err) from err
            raise
        return read_reply(res)

    def read(self, name, **asked):
        """A call that changes nothing, tried again when the server is not there for a moment."""
        for tried in range(1, READ_TRIES):
            try:
                return self.call(name, **asked)
            except Unavailable:
                time.sleep(0.5 * tried)
        return self.call(name, **asked)

    def since(self, stamp_field, since_ms):
        """All incidents with stamp_field ≥ since_ms, oldest first.

        The next page starts at the last stamp and not at an offset: incidents that change meanwhile would shift the others.
        """
        offset = 0
        while True:
            page = self.read(
                "get_incidents",
                filters=[{"field": stamp_field, "operator": "gte", "value": since_ms}],
                sort={"field": stamp_field, "keyword": "asc"},
                search_from=offset,
                search_to=offset + PAGE,
            )
            rows = page["incidents"]
            yield from rows
            if page["total_count"] <= offset + PAGE:
                return
            last = max((row[stamp_field] for row in rows), default=since_ms)
            since_ms, offset = (last, 0) if last > since_ms else (since_ms, offset + PAGE)

    def incident(self, incident_id):
        """The incident as it is; None when it is not there (or the key may not see it, which looks the same)."""
        named = [{"field": "incident_id_list", "operator": "in", "value": [str(incident_id)]}]
        rows = self.read("get_incidents", filters=named, search_from=0, search_to=1)["incidents"]
        return rows[0] if rows else None

    def alerts(self, incident_id):
        return self.read("get_incident_extra_data", incident_id=incident_id, alerts_limit=ALERTS)["alerts"]["data"]

    def update(self, incident_id, values):
        self.call("update_incident", incident_id=str(incident_id), update_data=values)


def explain(res):
    """Raise what an unaccepted answer means, in words for a person."""
    text = error_text(res)
    if res.status_code == 429 or "rate limit exceeded" in text.lower():
        wait = res.headers.get("Retry-After")
        raise DemistoException("API rate limit" + (f"; retry after {wait} s" if wait else ""), res=res)
    if res.status_code in (502, 503, 504):
        raise Unavailable(f"Cortex XDR is not available: {res.status_code} {text}", res=res)
    if res.status_code == 401:
        raise DemistoException(
            f"Cortex XDR refused the API key: {text}. Check key, key ID and key type, and the clock of this machine: an "
            "advanced key is sent with the time.",
            res=res,
        )
    if res.status_code == 402:
        raise DemistoException(f"The tenant's licence does not cover this: {text}", res=res)
    if res.status_code == 403:
        raise DemistoException(f"The role of the API key forbids this: {text}", res=res)
    raise DemistoException(f"Cortex XDR answered {res.status_code}: {text}", res=res)


def error_text(res):
    """Message and further words inside an error answer."""
    try:
        reply = res.json()["reply"]
        return ". ".join(str(reply[part]) for part in ("err_msg", "err_extra") if reply.get(part))
    except (ValueError, KeyError, TypeError, AttributeError):
        return "an HTML page" if is_html(res) else res.text.strip()[:300] or res.reason


def is_html(res):
    return res.text.lstrip()[:1] == "<"


def read_reply(res):
    try:
        return res.json()["reply"]
    except (ValueError, KeyError, TypeError):
        what = "an HTML page" if is_html(res) else "something that is no answer of its API"
        raise DemistoException(
            f"Instead of data Cortex XDR sent {what}: the URL is wrong. It is that of the API, https://api-….", res=res
        ) from None


# Times: the API has milliseconds since 1970.


def milliseconds(text):
    """From what the server passes, not before 1970."""
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        moment = arg_to_datetime(text, required=True)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return max(0, int(moment.timestamp() * 1000))


def iso(stamp_ms):
    moment = datetime.fromtimestamp(stamp_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# Incidents as raw objects


def as_object(incident):
    """The raw object that the mappers see.

    Every field as it is told, but: texts that are missing are empty, times ISO 8601; `severity` is what counts, a severity
    that a person set before the one of the alerts, which is `alert_severity`; `title` is the name, or the description.
    """
    raw = {"in_mirror_error": "", **incident}
    raw.update((name, incident.get(name) or "") for name in TEXTS)
    raw.update((name, iso(incident[name])) for name in DATES if incident.get(name))
    raw.update((name, sorted(incident.get(name) or [])) for name in ("hosts", "users", "incident_sources"))
    raw["alert_severity"] = incident.get("severity") or ""
    raw["severity"] = (raw["manual_severity"] or raw["alert_severity"]).lower()
    raw["title"] = raw["incident_name"] or raw["description"] or f"Incident {incident['incident_id']}"
    return raw


def as_row(alert):
    row = {name: alert.get(name) for name in ALERT_COLUMNS}
    if row["detection_timestamp"]:
        row["detection_timestamp"] = iso(row["detection_timestamp"])
    return row


def is_resolved(status):
    return str(status or "").lower().startswith("resolved")


# The commands


def test_module(client):
    client.read("get_incidents", search_from=0, search_to=1)
    return "ok"


def fetch_incidents(client, params):
    """New incidents, oldest first."""
    last = demisto.getLastRun() or {}
    first = arg_to_datetime(params.get("first_fetch") or "3 days", required=True).isoformat()
    since = last.get("since") or milliseconds(first)
    seen = last.get("seen") or {}  # incident_id → creation_time
    limit = arg_to_number(params.get("max_fetch")) or 50
    statuses = argToList(params.get("statuses"))
    found, newest = [], since
    for incident in client.since("creation_time", since):
        if len(found) >= limit:
            break
        newest = max(newest, incident["creation_time"])
        if incident["incident_id"] in seen:
            continue
        seen[incident["incident_id"]] = incident["creation_time"]
        if not statuses or incident["status"] in statuses:
            found.append(incident)
    since = max(since, newest - LOOK_BACK_MS)
    demisto.setLastRun({"since": since, "seen": {name: created for name, created in seen.items() if created >= since}})
    return [as_incident(incident, params) for incident in found]


def as_incident(incident, params):
    raw = as_object(incident) | {
        "mirror_id": incident["incident_id"],
        "mirror_direction": DIRECTIONS.get(params.get("mirror_direction")),
        "mirror_instance": demisto.integrationInstance(),
        "mirror_tags": [params["comment_tag"]] if params.get("comment_tag") else [],
    }
    return {"name": raw["title"], "occurred": raw["creation_time"], "rawJSON": json.dumps(raw)}


def get_modified_remote_data(client, args):
    """Ids of the incidents that changed; new alerts change them, too."""
    since = milliseconds(GetModifiedRemoteDataArgs(args).last_update)
    ids = {incident["incident_id"]: None for incident in client.since("modification_time", since)}
    return GetModifiedRemoteDataResponse(list(ids))


def get_remote_data(client, args, params):
    """The incident as it is, its alerts when they are wanted, and whether it is resolved or open."""
    incident_id = GetRemoteDataArgs(args).remote_incident_id
    incident = client.incident(incident_id)
    if incident is None:
        return f"Incident {incident_id} was not found in Cortex XDR: it was deleted, or the API key may not see it."
    raw, entries = as_object(incident), []
    if params.get("with_alerts"):
        rows = map(as_row, client.alerts(incident["incident_id"]))
        raw["alerts"] = sorted(rows, key=lambda row: (row["detection_timestamp"] or "", str(row["alert_id"])))
    if params.get("close_incident", True):
        entries.append(state_entry(raw))
    return GetRemoteDataResponse(raw, entries)


def state_entry(raw):
    """The entry that closes the incident, or opens it again; the server ignores the one that tells nothing new."""
    state = {"dbotIncidentReopen": True}
    if is_resolved(raw["status"]):
        reasons = {status: reason for reason, status in REASONS.items()}
        reason = reasons.get(raw["status"].replace("_duplicate_incident", "_duplicate"), "Resolved")
        state = {"dbotIncidentClose": True, "closeReason": reason, "closeNotes": raw["resolve_comment"]}
    return {"Type": EntryType.NOTE, "ContentsFormat": EntryFormat.JSON, "Contents": state}


def update_remote_system(client, args, params):
    """Make the incident there show what changed here.  Fields are safe to repeat; a comment is written once for each call."""
    parsed = UpdateRemoteSystemArgs(args)
    report = Report(parsed)
    try:
        return make_it_show(client, args, params, parsed, report)
    finally:
        if args.get("casemirror"):
            demisto.results({"casemirror": report.told()})


class Report:
    """What was not written for certain: casemirror repeats it."""

    def __init__(self, parsed):
        self.unsent = [str(entry.get("id")) for entry in parsed.entries or []]
        self.record = "" if parsed.remote_incident_id else "none"

    def told(self):
        return {"unsent": self.unsent, "unknown": [], "record": self.record}

    def write(self, client, incident_id, entry):
        """Add a comment: unless Cortex XDR refuses it, it may be there."""
        entry_id = str(entry.get("id"))
        self.unsent.remove(entry_id)
        try:
            client.update(incident_id, as_comment(entry))
        except DemistoException as err:
            if is_refused(err):
                self.unsent.append(entry_id)
            raise


def is_refused(err):
    """Cortex XDR answered that it did not do it; a 500 says so too, but is given for any failure."""
    return 400 <= getattr(err.res, "status_code", 0) < 500 or "API rate limit" in str(err)


def make_it_show(client, args, params, parsed, report):
    incident_id = parsed.remote_incident_id
    if not incident_id:
        raise DemistoException(
            "Cortex XDR makes its incidents itself and has no call that creates one. Link to an incident that is there "
            "already, by its ID."
        )
    failures = send_fields(client, args, params, parsed)
    for entry in parsed.entries or []:  # a refused field does not hold up what was said
        report.write(client, incident_id, entry)
    if failures:
        raise DemistoException("\n".join(failures))
    return incident_id


def as_comment(entry):
    said = entry.get("contents") or ""
    if entry.get("type") == EntryType.FILE or entry.get("file"):
        said = f"The file {entry.get('file')} was attached to the incident in casemirror; an incident of Cortex XDR holds no files."
    return {"comment": {"comment_action": "add", "value": f"{said}\n\n— {entry.get('user') or 'dbot'} via casemirror"}}


def send_fields(client, args, params, parsed):
    """Write what changed → what was refused, in words.

    When all together is refused, each part is tried for itself: one that is wrong must not hold up the others.
    """
    parts, failures = changed_parts(client, args, params, parsed)
    together = {name: value for part in parts for name, value in part.items()}
    refusals = send(client, parsed.remote_incident_id, together)
    if refusals and len(parts) > 1:
        refusals = [text for part in parts for text in send(client, parsed.remote_incident_id, part)]
    return failures + refusals


def send(client, incident_id, values):
    """Write these fields → why it was refused: one text or none.  Raises when it is not known, or too early to try more."""
    if not values:
        return []
    try:
        client.update(incident_id, values)
    except Unavailable:
        raise
    except DemistoException as err:
        if "API rate limit" in str(err):
            raise
        return [f"{', '.join(values)}: {err}"]
    return []


def changed_parts(client, args, params, parsed):
    """(update_data in parts that stand for themselves: state with comment, severity, assignment; what cannot be sent, in words)"""
    delta = parsed.delta or {}
    state, failures = state_values(client, args, params, parsed), []
    if state.get("resolve_comment") and not is_resolved(state.get("status") or (parsed.data or {}).get("status")):
        del state["resolve_comment"]
        failures = [
            "resolve_comment: Cortex XDR takes it only for resolved incidents; it is sent when the incident is closed."
        ]
    parts = [state]
    if "severity" in delta:
        parts.append({"manual_severity": manual_severity(client, parsed.remote_incident_id, delta["severity"])})
    if "assigned_user_mail" in delta:
        parts.append({"assigned_user_mail": delta["assigned_user_mail"] or "none"})
    return [part for part in parts if part], failures


def manual_severity(client, incident_id, wanted):
    """What people may set; `none` gives it back to the alerts, and is right for the rest when these say the same."""
    wanted = str(wanted or "unknown").lower()
    if wanted in MANUAL_SEVERITIES:
        return wanted
    if wanted in NEAREST and str(must_find(client, incident_id).get("severity")).lower() != wanted:
        return NEAREST[wanted]
    return "none"


def state_values(client, args, params, parsed):
    """Status and resolve comment to send; {} when there is nothing to say."""
    delta, state = parsed.delta or {}, new_state(args, parsed)
    values = {name: delta[name] for name in ("status", "resolve_comment") if delta.get(name)}
    if state == "closed" and params.get("close_ticket", True):
        return closing_values(client, params, parsed, values)
    if (
        state == "open"
        and not values.get("status")
        and is_resolved(must_find(client, parsed.remote_incident_id)["status"])
    ):
        values["status"] = params.get("reopened_status") or "under_investigation"
    return values


def closing_values(client, params, parsed, values):
    """Status and comment that resolve the incident; one that is resolved, whoever did it, keeps both unless people changed them here."""
    data, chosen = parsed.data or {}, is_resolved(values.get("status"))
    current = must_find(client, parsed.remote_incident_id)["status"]
    if not chosen and is_resolved(current):
        return {**values, "status": current} if values.get("resolve_comment") else {}
    default = REASONS.get(data.get("closeReason")) or params.get("closed_status") or "resolved_true_positive"
    said = data.get("closeNotes") or data.get("closeReason") or "Closed by casemirror."
    return {"status": values["status"] if chosen else default, "resolve_comment": values.get("resolve_comment") or said}


def must_find(client, incident_id):
    incident = client.incident(incident_id)
    if incident is None:
        raise DemistoException(f"Incident {incident_id} was not found in Cortex XDR.")
    return incident


def new_state(args, parsed):
    """`closed` or `open` when the incident was just closed, or opened again; else ''."""
    closed = parsed.inc_status == IncidentStatus.DONE
    changed = (args.get("casemirror") or {}).get("status_changed")
    if changed is None:  # another server does not say: closing changes one of the names, reopening none at all
        delta = parsed.delta or {}
        changed = any(name in delta for name in CLOSING_NAMES) if closed else parsed.incident_changed and not delta
    if not changed:
        return ""
    return "closed" if closed else "open" if parsed.inc_status == IncidentStatus.ACTIVE else ""


def get_mapping_fields():
    scheme = SchemeTypeMapping("Cortex XDR incident")
    scheme.add_field("status", "new, under_investigation, resolved_…")
    scheme.add_field("severity", "high, medium, low; others as near as people may set them")
    scheme.add_field("assigned_user_mail", "Mail address of a user of the tenant; empty for nobody")
    scheme.add_field("resolve_comment", "Only for resolved incidents")
    return GetMappingFieldsResponse([scheme])


def main():
    params, args, command = demisto.params(), demisto.args(), demisto.command()
    try:
        credentials = params.get("credentials") or {}
        client = Client(
            params["url"],
            credentials.get("identifier") or "",
            credentials.get("password") or "",
            advanced=params.get("key_type") != "Standard",
            verify=not params.get("insecure"),
            proxy=bool(params.get("proxy")),
        )
        commands = {
            "test-module": lambda: test_module(client),
            "fetch-incidents": lambda: fetch_incidents(client, params),
            "get-modified-remote-data": lambda: get_modified_remote_data(client, args),
            "get-remote-data": lambda: get_remote_data(client, args, params),
            "update-remote-system": lambda: update_remote_system(client, args, params),
            "get-mapping-fields": lambda: get_mapping_fields(),
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
