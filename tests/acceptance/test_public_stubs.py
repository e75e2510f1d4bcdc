"""The unmodified XSOAR Mirroring and OTRS integrations of the public content load, and answer `test-module` against a stub.

Takes the place of a checkout of the public content repository from CASEMIRROR_PUBLIC_CONTENT; nothing of it is here.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from casemirror.actions import probes
from casemirror.model.errors import CommandFailed
from casemirror.runtime.confinement import Confinement
from casemirror.runtime.environments.folder import Environments
from casemirror.runtime.pool import ProcessRuntime
from support.mirror import ANALYST, BY_HAND, Mirror

CONTENT = os.environ.get("CASEMIRROR_PUBLIC_CONTENT", "")
PACKS = Path(CONTENT) / "Packs"
pytestmark = pytest.mark.skipif(
    not (CONTENT and (PACKS / "XSOARmirroring").is_dir() and (PACKS / "OTRS").is_dir()),
    reason="CASEMIRROR_PUBLIC_CONTENT names no checkout of the public content repository with Packs/XSOARmirroring and Packs/OTRS",
)
KEY = "the-api-key-4711"


class Stub:
    """A web server that gives the same JSON to every request that knows the secret; what was asked is kept."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str, Any]] = []
        self.url = ""

    def allows(self, headers: Any, body: Any) -> bool:
        """The caller knows the key, or the password of the session that it begins."""
        return KEY in (headers.get("Authorization"), body.get("Password") if isinstance(body, dict) else None)

    @contextmanager
    def serving(self) -> Iterator[Stub]:
        """Listen for a while."""
        stub = self

        class Page(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
                stub.asked.append((self.command, self.path, body))
                allowed = stub.allows(self.headers, body)
                text = json.dumps(stub.answer if allowed else {"error": "Forbidden"}).encode()
                self.send_response(200 if allowed else 403)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_PATCH = do_POST  # noqa: N815 - the names that the library calls

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.url = f"http://127.0.0.1:{server.server_address[1]}"
            yield self
            server.shutdown()


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    tmp_path.chmod(0o755)
    made = Mirror(tmp_path)
    made.runtime.close()
    made.runtime = ProcessRuntime(tmp_path / "work" / "test", confinement=Confinement(write=("/tmp",)))
    made.app = replace(made.app, runtime=made.runtime, environments=Environments(tmp_path / "environments"))
    made.set(BY_HAND)
    made.install(*(PACKS / name for name in ("CommonTypes", "XSOARmirroring", "OTRS")))
    yield made
    made.close()


def test_xsoar_mirroring(mirror: Mirror) -> None:
    incident = {
        "id": "7",
        "name": "theirs",
        "created": "2026-01-02T03:04:05.000000Z",
        "modified": "2026-01-02T03:04:05Z",
    }
    with Stub({"total": 1, "data": [incident]}).serving() as partner:
        given = {"url": partner.url, "apikey": KEY, "isFetch": "true", "mirror_direction": "Incoming And Outgoing"}
        mirror.instance("partner", "XSOAR Mirroring", given)
        probes.test(mirror.app, ANALYST, "partner")
        assert {path for _, path, _ in partner.asked} == {"/incidents/search"}
        mirror.instance("stranger", "XSOAR Mirroring", {**given, "apikey": "wrong"})
        with pytest.raises(CommandFailed, match="Forbidden|Authorization"):
            probes.test(mirror.app, ANALYST, "stranger")


def test_otrs(mirror: Mirror) -> None:
    """It imports pyotrs, which the base environment lacks: an environment of its own is built first.

    pyotrs keeps its session in a file of /tmp, which integrations may write only when `runtime.write` says so.
    """
    with Stub({"SessionID": "a-session"}).serving() as desk:
        given = {"server": desk.url, "credentials.identifier": "bob", "credentials.password": KEY, "unsecure": "true"}
        mirror.instance("otrs", "OTRS", given)
        probes.test(mirror.app, ANALYST, "otrs")
    assert desk.asked[0][2]["UserLogin"] == "bob"
