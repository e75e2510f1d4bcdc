"""Those who get notices: a web server that takes JSON, and a mail server, each on this machine and with real sockets."""

from __future__ import annotations

import base64
import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Hooks:
    """A web server: what was posted to it, and how it answers (`status`)."""

    def __init__(self) -> None:
        self.status = 204
        self.taken: list[dict[str, Any]] = []
        self.refused: list[dict[str, Any]] = []
        self.url = ""

    @contextmanager
    def serving(self) -> Iterator[Hooks]:
        """Listen for a while."""
        hooks = self

        class Page(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                (hooks.taken if hooks.status < 300 else hooks.refused).append({"path": self.path, **body})
                self.send_response(hooks.status)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server, _thread(server):
            self.url = f"http://127.0.0.1:{server.server_address[1]}"
            yield self


class MailServer:
    """A mail server that speaks STARTTLS and wants a log-in: user `casemirror`; the mails that it took."""

    def __init__(self, folder: Path, password: str) -> None:
        self.certificate, self._context = _certificate(folder)
        self.password = password
        self.mails: list[Message] = []
        self.port = 0

    @contextmanager
    def serving(self) -> Iterator[MailServer]:
        """Listen for a while."""
        mail = self

        class Session(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                talk = _Talk(mail, self)
                try:
                    talk.run()
                except OSError:
                    return  # whoever talked is gone, or does not trust us
                finally:
                    talk.close()

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        with Server(("127.0.0.1", 0), Session) as server, _thread(server):
            self.port = server.server_address[1]
            yield self

    def secured(self, connection: Any) -> ssl.SSLSocket:
        """The connection, encrypted."""
        return self._context.wrap_socket(connection, server_side=True)


class _Talk:
    """One client."""

    def __init__(self, mail: MailServer, session: socketserver.StreamRequestHandler) -> None:
        self._server, self._read, self._write = mail, session.rfile, session.wfile
        self._connection = session.request
        self._secure = self._known = False

    def run(self) -> None:
        self._say("220 mail.test")
        for raw in iter(lambda: self._read.readline(), b""):
            word, _, rest = raw.decode().strip().partition(" ")
            if word.upper() == "QUIT":
                self._say("221 bye")
                return
            getattr(self, f"_{word.lower()}", self._other)(rest)

    def close(self) -> None:
        """Nobody listens any more."""
        for stream in (self._read, self._write, self._connection):
            stream.close()

    def _say(self, *lines: str) -> None:
        self._write.write("".join(f"{line}\r\n" for line in lines).encode())
        self._write.flush()

    def _other(self, _: str) -> None:
        self._say("250 ok")

    def _ehlo(self, _: str) -> None:
        self._say("250-mail.test", "250 AUTH PLAIN" if self._secure else "250 STARTTLS")

    def _starttls(self, _: str) -> None:
        self._say("220 go on")
        self._connection = self._server.secured(self._connection)
        self._read, self._write = self._connection.makefile("rb"), self._connection.makefile("wb")
        self._secure = True

    def _auth(self, rest: str) -> None:
        _, user, password = base64.b64decode(rest.split()[1]).decode().split("\0")
        self._known = (user, password) == ("casemirror", self._server.password)
        self._say("235 welcome" if self._known else "535 who are you")

    def _mail(self, _: str) -> None:
        self._say("250 ok" if self._known else "530 log in first")

    def _data(self, _: str) -> None:
        self._say("354 go on")
        lines = list(iter(lambda: self._read.readline(), b".\r\n"))
        self._server.mails.append(message_from_bytes(b"".join(lines)))
        self._say("250 taken")


@contextmanager
def _thread(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def _certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that vouches for itself, as a file; and a context that shows it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "mail.pem", folder / "mail.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private.write_bytes(key.private_bytes(*form))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    return certificate, context
