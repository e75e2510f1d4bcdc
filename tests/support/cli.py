"""The `casemirror` program as tests call it: a real process on a home folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import casemirror

PACKS = Path(casemirror.__file__).parent / "packs"


@dataclass(frozen=True)
class Ran:
    """One run of the program."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What `--json` printed."""
        return json.loads(self.out)


class Program:
    """Runs commands on one home folder."""

    def __init__(self, home: Path, environment: Mapping[str, str] | None = None) -> None:
        self.home = home
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CASEMIRROR_")}
        self._environment = {**inherited, "CASEMIRROR_HOME": str(home), "COLUMNS": "200", **(environment or {})}

    def __call__(self, *words: str | Path, stdin: str = "", environment: Mapping[str, str] | None = None) -> Ran:
        """Run one command to its end."""
        done = subprocess.run(
            [sys.executable, "-W", "error::ResourceWarning", "-m", "casemirror.cli.main", *map(str, words)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={**self._environment, **(environment or {})},
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def good(self, *words: str | Path, **kwargs: Any) -> Ran:
        """Run one command that must succeed."""
        ran = self(*words, **kwargs)
        assert ran.code == 0, f"{words}: {ran.out}{ran.err}"
        return ran

    def refused(self, *words: str | Path, code: int = 2, **kwargs: Any) -> str:
        """Run one command that must fail with this exit code; returns its one line on stderr."""
        ran = self(*words, **kwargs)
        assert ran.code == code, f"{words}: {ran.code} {ran.out}{ran.err}"
        assert "Traceback" not in ran.err
        assert len(ran.err.strip().splitlines()) == 1, ran.err
        return ran.err.strip()

    def add_servicenow(self, url: str, name: str = "snow") -> None:
        """Add an instance of our ServiceNow integration that talks to a simulator; its pack must be there."""
        self.good(
            *("instance", "add", name, "--integration", "casemirror ServiceNow", "--param", f"url={url}"),
            *("--param", "credentials.identifier=casemirror", "--secret", "credentials=env:REMOTE_PASSWORD"),
            *("--param", "mirror_direction=Incoming And Outgoing", "--param", "isFetch=true"),
            environment={"REMOTE_PASSWORD": "casemirror"},
        )

    def mirroring(self, url: str) -> Program:
        """Our packs and the instance `snow`, its tickets fetched and pulled once; returns itself."""
        self.good("pack", "add", PACKS)
        self.add_servicenow(url)
        self.good("instance", "fetch", "snow")
        self.good("instance", "mirror", "snow")
        return self
