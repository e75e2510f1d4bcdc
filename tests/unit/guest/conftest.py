"""The guest folder as the child has it, and a scripted `demisto` object."""

import http.server
import json
import sys
import threading
from pathlib import Path

import pytest

GUEST = Path(__file__).parents[3] / "src" / "casemirror" / "guest"
for folder in (GUEST / "api_modules", GUEST):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


class FakeDemisto:
    """Remembers what it was told; answers from its attributes."""

    def __init__(self):
        self.command_name = "some-command"
        self.callingContext = {"params": {}, "context": {"IntegrationBrand": "", "IntegrationInstance": "mine"}}
        self.emitted = []
        self.log_lines = []
        self.version = {"version": "6.10.0", "buildNumber": "12345"}
        self.stored = {}
        self.stored_version = 1
        self.mirror_run = None
        self.last_run = {}
        self.files = {}
        self.pages = []
        self.searches = []
        self.incident_context = {}
        self.is_debug = False

    def command(self):
        return self.command_name

    def params(self):
        return self.callingContext["params"]

    def results(self, result):
        self.emitted.append(result)

    def debug(self, *lines):
        self.log_lines.append(("debug", *lines))

    def info(self, *lines):
        self.log_lines.append(("info", *lines))

    def log(self, *lines):
        self.log_lines.append(("log", *lines))

    def demistoVersion(self):
        return self.version

    def investigation(self):
        return {"id": "17"}

    def uniqueFile(self):
        return "f1"

    def getFilePath(self, entry_id):
        return self.files[entry_id]

    def getLastRun(self):
        return self.last_run

    def setLastRun(self, value):
        self.last_run = value

    def getLastMirrorRun(self):
        return self.mirror_run

    def setLastMirrorRun(self, value):
        self.mirror_run = value

    def getIntegrationContext(self):
        return dict(self.stored)

    def setIntegrationContext(self, value):
        self.stored = value

    def getIntegrationContextVersioned(self, refresh):
        return {"context": dict(self.stored), "version": self.stored_version}

    def setIntegrationContextVersioned(self, value, version, sync):
        if version not in (-1, self.stored_version):
            raise ValueError("newer version stored")
        self.stored = value
        self.stored_version += 1

    def searchIndicators(self, **asked):
        self.searches.append(asked)
        return self.pages.pop(0) if self.pages else {"total": 0, "iocs": []}

    def context(self):
        return self.incident_context

    def setContext(self, key, value):
        self.incident_context[key] = value

    def get(self, obj, path, default=None):
        for part in path.split("."):
            if not isinstance(obj, dict) or part not in obj:
                return default
            obj = obj[part]
        return obj

    def demistoUrls(self):
        return {"server": "https://soar.example/acc_north"}

    @property
    def logged(self):
        """Everything that was logged, as one text."""
        return "\n".join(str(part) for line in self.log_lines for part in line[1:])


@pytest.fixture(autouse=True)
def host(monkeypatch):
    """The run's `demisto` object, with LOG as a new run finds it."""
    fake = FakeDemisto()
    monkeypatch.setitem(sys.modules, "demistomock", fake)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    import CommonServerPython

    CommonServerPython.begin_run()
    return fake


class Remote:
    """A web server on 127.0.0.1 with scripted answers; `asked` is what it was asked."""

    def __init__(self):
        self.answers = []
        self.asked = []
        remote = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def _serve(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                remote.asked.append(
                    {"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body.decode()}
                )
                status, answer = remote.answers.pop(0)
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = _serve

            def log_message(self, *args):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, status, body):
        """Add what the next request gets: JSON data, or bytes as they are."""
        self.answers.append((status, body))


@pytest.fixture
def remote():
    """A Remote that serves until the test ends."""
    world = Remote()
    thread = threading.Thread(target=world.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield world
    world.server.shutdown()
    thread.join()
    world.server.server_close()
