"""A tiny ticket system with the API that the integration speaks, on this machine only. Write it anew with `Client`.

The same object plays the people who work there (`create`, `comment`, `close`, …), for tests, `casemirror check` and
`casemirror dev`. `simulator` is what the latter look for; a method that your product has no use for may be left out.
"""

import base64
import json
import threading
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import parse_qs, urlsplit

USER, PASSWORD = "mirror-user", "fake-remote-password"
SOMEBODY = "alice"
PAGE = 50


@contextmanager
def simulator():
    """The remote, serving."""
    remote = FakeRemote()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"remote": remote}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    remote.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield remote
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class FakeRemote:
    """Tickets, and what people do with them.

    params         how an instance is configured to get here
    resolution_s   how exactly times are kept
    """

    resolution_s = 0.001

    def __init__(self):
        self.url = ""
        self.tickets, self._comments, self._files, self._bodies = {}, {}, {}, {}
        self.mode = 200
        self._numbers, self._last, self.lock = count(1), datetime.now(timezone.utc), threading.RLock()

    @property
    def params(self):
        return {
            "url": self.url,
            "credentials.identifier": USER,
            "credentials.password": PASSWORD,
            "isFetch": True,
            "mirror_direction": "Incoming And Outgoing",
        }

    # what people do

    def create(self, title):
        return self.make({"title": title}, SOMEBODY)["id"]

    def change(self, ticket_id, title):
        self.write(ticket_id, {"title": title})

    def comment(self, ticket_id, text):
        self.say(ticket_id, text, SOMEBODY)

    def attach(self, ticket_id, name, body):
        self.keep(ticket_id, name, body, SOMEBODY)

    def close(self, ticket_id):
        self.write(ticket_id, {"state": "closed", "resolution": "Done."})

    def reopen(self, ticket_id):
        self.write(ticket_id, {"state": "open"})

    def delete(self, ticket_id):
        del self.tickets[ticket_id]

    # what people see

    def title(self, ticket_id):
        return self.tickets[ticket_id]["title"]

    def comments(self, ticket_id):
        return [comment["text"] for comment in self._comments[ticket_id]]

    def files(self, ticket_id):
        return {file["name"]: self._bodies[file["id"]] for file in self._files[ticket_id]}

    def is_closed(self, ticket_id):
        return self.tickets[ticket_id]["state"] == "closed"

    # what goes wrong

    def limit(self, on):
        self.mode = 429 if on else 200

    def fail(self, on):
        self.mode = 500 if on else 200

    # the system itself

    def now(self):
        """The time, never the same twice."""
        self._last = max(datetime.now(timezone.utc), self._last + timedelta(microseconds=1))
        return self._last.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def make(self, values, user):
        with self.lock:
            now, number = self.now(), str(next(self._numbers))
            ticket = {"id": number, "title": "", "description": "", "priority": "medium", "state": "open", "resolution": ""}
            self.tickets[number] = {**ticket, **values, "created_at": now, "updated_at": now, "created_by": user}
            self._comments[number], self._files[number] = [], []
            return self.tickets[number]

    def write(self, ticket_id, values):
        with self.lock:
            self.tickets[ticket_id].update(values, updated_at=self.now())

    def say(self, ticket_id, text, user):
        self._add(self._comments, ticket_id, {"text": text}, user)

    def keep(self, ticket_id, name, body, user):
        file = self._add(self._files, ticket_id, {"name": name, "size": len(body)}, user)
        self._bodies[file["id"]] = body

    def _add(self, where, ticket_id, values, user):
        with self.lock:
            made = {**values, "id": f"{ticket_id}-{next(self._numbers)}", "created_at": self.now(), "created_by": user}
            where[ticket_id].append(made)
            self.write(ticket_id, {})
            return made

    def answer(self, method, path, query, body, user):
        """(status, what to answer): a dict or list becomes JSON, bytes stay."""
        parts = path.strip("/").split("/")
        with self.lock:
            if parts == ["api", "me"]:
                return 200, {"user": user}
            if parts == ["api", "tickets"]:
                return (201, self.make(json.loads(body), user)) if method == "POST" else (200, self._listed(query))
            if parts[:2] == ["api", "files"] and parts[2] in self._bodies:
                return 200, self._bodies[parts[2]]
            if parts[:2] == ["api", "tickets"] and parts[2] in self.tickets:
                return self._of_ticket(method, parts[2], parts[3:], query, body, user)
        return 404, {"error": "not found"}

    def _listed(self, query):
        found = sorted(self.tickets.values(), key=lambda ticket: (ticket["created_at"], int(ticket["id"])))
        for name, column in (("created_since", "created_at"), ("updated_since", "updated_at")):
            found = [ticket for ticket in found if ticket[column] >= query.get(name, "")]
        if "reference" in query:
            found = [ticket for ticket in found if ticket.get("reference") == query["reference"]]
        return paged(found, query)

    def _of_ticket(self, method, ticket_id, rest, query, body, user):
        if rest and method == "GET":
            found = (self._comments if rest == ["comments"] else self._files)[ticket_id]
            return 200, paged([each for each in found if each["created_at"] >= query.get("since", "")], query)
        if rest == ["comments"]:
            self.say(ticket_id, json.loads(body)["text"], user)
        elif rest == ["files"]:
            self.keep(ticket_id, query["name"], body, user)
        elif method == "PATCH":
            self.write(ticket_id, json.loads(body))
        return 200, self.tickets[ticket_id]


def paged(found, query):
    """One page of a list; `next` names the page after it."""
    start, size = int(query.get("page", 0)), min(int(query.get("limit", PAGE)), PAGE)
    more = start + size < len(found)
    return {"items": found[start : start + size], "next": str(start + size) if more else None}


class Handler(BaseHTTPRequestHandler):
    """HTTP with a user and a password."""

    remote = None
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        status, answer = self.remote.mode, {"error": "told to"}
        if self.headers.get("Authorization") != "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode():
            status, answer = 401, {"error": "who are you?"}
        elif status == 200:
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            status, answer = self.remote.answer(self.command, url.path, query, body, USER)
        sent = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    do_POST = do_PATCH = do_GET

    def log_message(self, *_):
        """Says nothing."""
