"""New Integration: tickets as incidents, kept the same in both directions.

Where to begin: `Client` is the part that speaks with the product, here with the small API of tests/fake_remote.py. Write its
methods for your product, and the commands below may stay as they are. `casemirror check` says what does not hold yet.
"""

import demistomock as demisto
from CommonServerPython import *

import json
import re
from datetime import datetime, timedelta, timezone

import urllib3

urllib3.disable_warnings()

DIRECTIONS = {"Incoming": "In", "Outgoing": "Out", "Incoming And Outgoing": "Both"}
PRIORITIES = {"low": 1, "medium": 2, "high": 3, "critical": 4}  # of the product -> severity of incidents
CLOSING_NAMES = ("closeReason", "closeNotes", "closingUserId")

# Every comment that we write ends so. It tells our own words from those of people, and finds them again after a lost answer.
MARK = "via casemirror [ref {}]"
MARKED = re.compile(r"via casemirror \[ref [\w./-]+\]\s*\Z")

# A fetch reads the last two minutes again, and knows by their ids the tickets that it had: some become visible late.
LOOK_BACK = timedelta(minutes=2)
PAGE = 100


class NotFound(DemistoException):
    """There is no such ticket."""


class Client(BaseClient):
    """The product's API. Times are texts as in 2024-01-31T10:20:30.123456Z, and "since" means at that time or later."""

    def __init__(self, url, user, password, verify=True, proxy=False):
        self.url, self.user = url.rstrip("/"), user
        super().__init__(self.url + "/api/", verify=verify, proxy=proxy, auth=(user, password), timeout=60)

    def call(self, method, path, **kwargs):
        return self._http_request(method, path, error_handler=explain, **kwargs)

    def pages(self, path, **params):
        """All objects of a list, page by page to the end: what is left out of a poll never arrives."""
        while True:
            answer = self.call("GET", path, params={"limit": PAGE, **params})
            yield from answer["items"]
            if not answer.get("next"):
                return
            params["page"] = answer["next"]

    def who_am_i(self):
        return self.call("GET", "me")["user"]

    def created_since(self, since, limit):
        """Oldest first, of equal times by id."""
        return self.call("GET", "tickets", params={"created_since": since, "limit": limit})["items"]

    def updated_since(self, since):
        """A comment or a file is an update here. If it is none in your product, ask for these by their own times, too."""
        return self.pages("tickets", updated_since=since)

    def ticket(self, ticket_id):
        return self.call("GET", f"tickets/{ticket_id}")

    def with_reference(self, reference):
        """The ticket that we created for an incident, or None."""
        return next(iter(self.call("GET", "tickets", params={"reference": reference})["items"]), None)

    def create(self, values):
        return self.call("POST", "tickets", json_data=values)["id"]

    def update(self, ticket_id, values):
        self.call("PATCH", f"tickets/{ticket_id}", json_data=values)

    def comments(self, ticket_id, since=""):
        return self.pages(f"tickets/{ticket_id}/comments", since=since)

    def comment(self, ticket_id, text):
        self.call("POST", f"tickets/{ticket_id}/comments", json_data={"text": text})

    def files(self, ticket_id, since=""):
        return self.pages(f"tickets/{ticket_id}/files", since=since)

    def file(self, file_id):
        return self.call("GET", f"files/{file_id}", resp_type="content")

    def attach(self, ticket_id, name, body):
        self.call("POST", f"tickets/{ticket_id}/files", params={"name": name}, data=body)


def explain(res):
    """Raise what an answer means that is no success. The words count: servers look for "API rate limit" in this spelling."""
    if res.status_code == 429:
        wait = res.headers.get("Retry-After")
        raise DemistoException("API rate limit" + (f"; retry after {wait} s" if wait else ""), res=res)
    if res.status_code == 404:
        raise NotFound("There is nothing at this address.", res=res)
    if res.status_code in (401, 403):
        raise DemistoException("New Integration refused the user name or the password, or the user lacks rights.", res=res)
    raise DemistoException(f"New Integration answered {res.status_code}: {res.text.strip()[:300] or res.reason}", res=res)


def utc(text):
    """Aware datetime from whatever a server passes as lastUpdate: with an offset, without one, or the year 1; not before 1970."""
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        moment = arg_to_datetime(text, required=True)
    moment = moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
    return epoch if moment <= epoch else moment.astimezone(timezone.utc)


def stamp(moment):
    """A time as the API writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def as_object(client, ticket):
    """The object that the mappers see, the same from fetch-incidents and from get-remote-data."""
    return {
        **ticket,
        "severity": PRIORITIES.get(ticket.get("priority"), 0),
        "link": f"{client.url}/tickets/{ticket['id']}",
        "in_mirror_error": "",
    }


# The commands


def test_module(client):
    client.who_am_i()
    return "ok"


def fetch_incidents(client, params):
    """New tickets, oldest first. Those that we created for an incident are passed over."""
    last = demisto.getLastRun() or {}
    since = last.get("since") or stamp(arg_to_datetime(params.get("first_fetch") or "3 days", required=True).astimezone(timezone.utc))
    seen = last.get("seen") or {}  # id -> created_at, of the tickets since then
    limit = arg_to_number(params.get("max_fetch")) or 50
    found = client.created_since(since, limit + len(seen))
    new = [ticket for ticket in found if ticket["id"] not in seen][:limit]
    seen.update({ticket["id"]: ticket["created_at"] for ticket in new})
    if new:
        since = max(since, stamp(utc(new[-1]["created_at"]) - LOOK_BACK))
    demisto.setLastRun({"since": since, "seen": {id_: created for id_, created in seen.items() if created >= since}})
    return [as_incident(client, ticket, params) for ticket in new if not is_ours(client, ticket)]


def is_ours(client, ticket):
    return bool(ticket.get("reference")) and ticket["created_by"] == client.user


def as_incident(client, ticket, params):
    raw = {
        **as_object(client, ticket),
        "mirror_id": ticket["id"],
        "mirror_instance": demisto.integrationInstance(),
        "mirror_direction": DIRECTIONS.get(params.get("mirror_direction")),
        "mirror_tags": [params[name] for name in ("comment_tag", "file_tag") if params.get(name)],
    }
    return {"name": ticket["title"], "occurred": ticket["created_at"], "rawJSON": json.dumps(raw)}


def get_modified_remote_data(client, args):
    """Ids of the tickets that changed."""
    since = stamp(utc(GetModifiedRemoteDataArgs(args).last_update))
    return GetModifiedRemoteDataResponse([ticket["id"] for ticket in client.updated_since(since)])


def get_remote_data(client, args, params):
    """The ticket as it is, what people said and attached since, and whether it is closed or open."""
    parsed = GetRemoteDataArgs(args)
    ticket_id, since = parsed.remote_incident_id, stamp(utc(parsed.last_update))
    try:
        ticket = client.ticket(ticket_id)
    except NotFound:
        return f"Ticket {ticket_id} was not found: it was deleted, or the user may not see it."
    entries = [said(comment) for comment in client.comments(ticket_id, since) if not is_echo(client, comment)]
    entries += [attached(client, file) for file in client.files(ticket_id, since) if file["created_by"] != client.user]
    if params.get("close_incident", True):
        entries.append(state_of(ticket))
    return GetRemoteDataResponse(as_object(client, ticket), entries)


def is_echo(client, comment):
    """We wrote it ourselves."""
    return comment["created_by"] == client.user and bool(MARKED.search(comment["text"]))


def said(comment):
    text = f"{comment['text']}\n\n{comment['created_by']}, {comment['created_at']}, in New Integration"
    return {"Type": EntryType.NOTE, "ContentsFormat": EntryFormat.TEXT, "Contents": text, "casemirror": {"id": comment["id"]}}


def attached(client, file):
    return {**fileResult(file["name"], client.file(file["id"])), "casemirror": {"id": file["id"]}}


def state_of(ticket):
    """The entry that closes the incident, or opens it again. A server ignores the one that tells nothing new."""
    state = {"dbotIncidentReopen": True}
    if ticket["state"] == "closed":
        state = {"dbotIncidentClose": True, "closeReason": "Resolved", "closeNotes": ticket.get("resolution") or ""}
    return {"Type": EntryType.NOTE, "ContentsFormat": EntryFormat.JSON, "Contents": state}


def update_remote_system(client, args, params):
    """Make the ticket show what changed here; create it when there is none. May be repeated after any failure."""
    parsed, ours = UpdateRemoteSystemArgs(args), args.get("casemirror") or {}
    ticket_id, data, delta = parsed.remote_incident_id, parsed.data or {}, parsed.delta or {}
    if not ticket_id:
        ticket_id, delta = create_ticket(client, data, bool(ours.get("only_look"))), {}
        if not ticket_id:
            demisto.results({"casemirror": {"record": "unknown"}})
            return ""
    values = {**fields(delta), **new_state(client, ticket_id, args, parsed, params)}
    if values:
        client.update(ticket_id, values)
    unknown = [entry["id"] for entry in parsed.entries or [] if not send(client, ticket_id, entry)]
    if unknown:
        demisto.results({"casemirror": {"unknown": unknown}})
    return ticket_id


def fields(values):
    """What the API is given for fields of the outgoing mapper. Only what is in there is written: the rest may be newer there."""
    found = {name: values[name] or "" for name in ("title", "description") if name in values}
    if values.get("severity"):
        found["priority"] = min(PRIORITIES, key=lambda name: abs(PRIORITIES[name] - float(values["severity"])))
    return found


def create_ticket(client, data, only_look):
    """Id of the ticket for this incident. The reference finds the one that an earlier call created and nobody heard of.

    only_look   it may be there although no search shows it yet: "" when it is not found, and nothing is created
    """
    reference = data.get("reference") or f"{demisto.integrationInstance()}/{demisto.investigation().get('id')}"
    known = client.with_reference(reference)
    if known or only_look:
        return known["id"] if known else ""
    return client.create({"title": "Untitled", **fields(data), "reference": reference})


def new_state(client, ticket_id, args, parsed, params):
    """What closes or opens the ticket, if that was just done here; {} when it was not, or is so already."""
    told = (args.get("casemirror") or {}).get("status_changed")  # casemirror says it outright
    closes = parsed.inc_status == IncidentStatus.DONE
    changed = told if told is not None else just_changed(parsed, closes)
    if not changed or (closes and not params.get("close_ticket", True)):
        return {}
    wanted = "closed" if closes else "open"
    if client.ticket(ticket_id)["state"] == wanted:
        return {}
    notes = (parsed.data or {}).get("closeNotes") or (parsed.data or {}).get("closeReason") or ""
    return {"state": wanted, **({"resolution": notes} if closes else {})}


def just_changed(parsed, closes):
    """A close has one of the closing names in delta; calls after it still have status 2, but none of them. A reopening has no delta."""
    delta = parsed.delta or {}
    return any(name in delta for name in CLOSING_NAMES) if closes else bool(parsed.incident_changed and not delta)


def send(client, ticket_id, entry):
    """Write one entry; look first whether it is there, when nobody knows what became of an earlier call.

    False: casemirror said that it is only to be looked for (searches may be late), and it was not found.
    """
    mark = entry.get("casemirror") or {}
    is_uncertain = mark.get("uncertain", True)  # other servers do not say: look
    if entry.get("file"):
        staged = demisto.getFilePath(entry["id"])
        with open(staged["path"], "rb") as file:
            body = file.read()
        known = {(file["name"], file["size"]) for file in client.files(ticket_id) if file["created_by"] == client.user} if is_uncertain else ()
        if (staged["name"], len(body)) in known:
            return True
        if not mark.get("only_look"):
            client.attach(ticket_id, staged["name"], body)
        return not mark.get("only_look")
    trailer = MARK.format(mark.get("reference") or entry.get("id"))
    if is_uncertain and any(trailer in comment["text"] for comment in client.comments(ticket_id)):
        return True
    if not mark.get("only_look"):
        client.comment(ticket_id, f"{entry.get('contents') or ''}\n\n{entry.get('user') or 'dbot'} {trailer}")
    return not mark.get("only_look")


def get_mapping_fields():
    """What the outgoing mapper may write."""
    scheme = SchemeTypeMapping("Ticket")
    scheme.add_field("title", "Title")
    scheme.add_field("description", "Description")
    scheme.add_field("severity", "Severity of the incident, 1 to 4; becomes the priority")
    scheme.add_field("reference", "Reference of the incident, written when the ticket is created")
    return GetMappingFieldsResponse([scheme])


def main():
    params, args, command = demisto.params(), demisto.args(), demisto.command()
    try:
        credentials = params.get("credentials") or {}
        client = Client(
            params["url"],
            credentials.get("identifier") or "",
            credentials.get("password") or "",
            verify=not params.get("insecure"),
            proxy=bool(params.get("proxy")),
        )
        commands = {
            "test-module": lambda: test_module(client),
            "fetch-incidents": lambda: fetch_incidents(client, params),
            "get-modified-remote-data": lambda: get_modified_remote_data(client, args),
            "get-remote-data": lambda: get_remote_data(client, args, params),
            "update-remote-system": lambda: update_remote_system(client, args, params),
            "get-mapping-fields": get_mapping_fields,
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
