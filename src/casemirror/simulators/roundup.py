"""A real Roundup tracker as the remote side of demos and tests: PyPI's `roundup` on this machine's loopback interface.

Nothing here imitates Roundup; this sets a tracker up (classic template, SQLite, no mail), runs its own server as a child process and
stops it. Needs the package `roundup` in casemirror's interpreter (`pip install "casemirror[demo]"`).
"""

import contextlib
import grp
import importlib.util
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

NAME = "demo"
"""Last part of the tracker's address."""

USER = "casemirror"
PEOPLE = ("alice", "bob")
"""Who there is: the integration's user and two people; the password of each is its name."""

ADMIN_PASSWORD = "admin"

_START_S = 20.0
_STOP_S = 5.0


class RoundupTracker:
    """One tracker in a folder of its own, and its server while it is started; a context manager.

    folder     created when missing; a tracker that is there already is used as it is
    port       0 = any free one, kept over `stop` and `start`
    people     users beside `casemirror` and `admin`, password = user name, role User
    settings   Roundup's own, as `section_option` → value, when the tracker is created (`web_api_calls_per_interval`)
    As root the server runs as `nobody`, since Roundup refuses to run as root; the folder's parents must let that user through.
    """

    def __init__(
        self,
        folder: Path | str,
        port: int = 0,
        *,
        people: Iterable[str] = PEOPLE,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.port = port
        self._people = (USER, *people)
        self._settings = dict(settings or {})
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{NAME}/"

    @property
    def pid(self) -> int | None:
        """The server's process, None while it is stopped."""
        return self._server.pid if self._server else None

    def start(self) -> Self:
        """Set the tracker up if need be and serve it.  Raises RuntimeError with a sentence for a person."""
        if importlib.util.find_spec("roundup") is None:
            raise RuntimeError('the package roundup is not installed: pip install "casemirror[demo]"')
        self.port = self.port or _free_port()
        home = self.folder / "tracker"
        if not (home / "db").is_dir() or not (home / "config.ini").is_file():
            self._set_up(home)
        _set_address(home / "config.ini", self.url)
        self._server = self._serve(home)
        self._wait()
        return self

    def stop(self) -> None:
        """End the server; the tracker stays in its folder."""
        if self._server is None:
            return
        # the whole group: a child that still holds a connection would keep the port
        _signal_group(self._server.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._server.wait(_STOP_S)
        _signal_group(self._server.pid, signal.SIGKILL)
        self._server.wait()
        self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _set_up(self, home: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(home, ignore_errors=True)
        settings = {
            "tracker_web": self.url,
            "tracker_name": "casemirror demo",
            "mail_domain": "roundup.invalid",
            "mail_host": "127.0.0.1",
            "mail_debug": str(home / "mail.txt"),
            "password_pbkdf2_default_rounds": "10000",
            **self._settings,
        }
        self._admin(
            home, "install", "classic", "sqlite", ",".join(f"{name}={value}" for name, value in settings.items())
        )
        self._admin(home, "initialise", ADMIN_PASSWORD)
        for name in self._people:
            self._admin(
                home,
                "create",
                "user",
                f"username={name}",
                f"password={name}",
                f"address={name}@roundup.invalid",
                "roles=User",
            )
        if os.geteuid() == 0:
            owner = pwd.getpwnam("nobody")
            for path in (self.folder, *self.folder.rglob("*")):
                os.chown(path, owner.pw_uid, owner.pw_gid)

    def _admin(self, home: Path, *words: str) -> None:
        command = [sys.executable, "-m", "roundup.scripts.roundup_admin", "-i", str(home), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise RuntimeError(f"roundup-admin {words[0]} failed: {(done.stderr or done.stdout).strip()}")

    def _serve(self, home: Path) -> subprocess.Popen[bytes]:
        identity: list[str] = []
        if os.geteuid() == 0:
            group = grp.getgrgid(pwd.getpwnam("nobody").pw_gid).gr_name
            identity = ["-u", "nobody", "-g", group]
        words = [*identity, "-n", "127.0.0.1", "-p", str(self.port), f"{NAME}={home}"]
        with (self.folder / "server.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "roundup.scripts.roundup_server", *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait(self) -> None:
        patience_ends = time.monotonic() + _START_S
        while not self._answers():
            if self._server is None or self._server.poll() is not None or time.monotonic() > patience_ends:
                log = (self.folder / "server.log").read_text(errors="replace")
                self.stop()
                raise RuntimeError(f"Roundup's server did not start: {log.strip()[-500:]}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self.url, timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False


def _signal_group(leader: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, number)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _set_address(config: Path, url: str) -> None:
    """The tracker accepts API calls only from the address it believes to have."""
    text = config.read_text()
    changed = re.sub(r"(?m)^web = .*$", f"web = {url}", text, count=1)
    if changed != text:
        config.write_text(changed)
