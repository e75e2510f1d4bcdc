"""The environments of this machine: a folder with one for each set of requirements, shared by all integrations that need the same."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import sysconfig
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from casemirror.content.items import Integration
from casemirror.model.errors import LaneMustWait
from casemirror.runtime.command import Code
from casemirror.runtime.environments import building, images
from casemirror.runtime.environments.building import EnvironmentFailed, Order, Tell
from casemirror.runtime.environments.needs import OWN, Level, Need, OwnPackages, Packages, need_of

_ABOUT: Final = "environment.json"
_KEPT_NEEDS: Final = 1000
"""needs that are remembered; reading a large integration for its imports takes a tenth of a second"""


class EnvironmentMissing(LaneMustWait):
    """An integration cannot run on this machine before its environment is built; that is nobody's failure but the whole lane's wait."""

    code = "environment.missing"


@dataclass(frozen=True, kw_only=True)
class Built:
    """An environment that is there.

    requirements    what it was built from
    distributions   name and version of all that is installed in it
    stamp           changes when it is built again
    """

    key: str
    path: Path
    python: str
    requirements: tuple[str, ...]
    distributions: tuple[str, ...]
    built_at: datetime
    stamp: int

    @property
    def interpreter(self) -> Path:
        """What runs its integrations."""
        return self.path / "bin" / "python"


class Environments:
    """Finds and builds environments; safe to use from several threads and processes."""

    def __init__(self, folder: Path, own: Packages | None = None) -> None:
        self.folder = folder
        self._own = own or OwnPackages()
        self._needs: dict[str, Need] = {}

    def need(self, code: Code, integration: Integration) -> Need:
        """What the integration needs; remembered by the key of its code."""
        found = self._needs.get(code.key)
        if found is None:
            if len(self._needs) >= _KEPT_NEEDS:
                self._needs.clear()
            found = self._needs[code.key] = need_of(integration, code.modules, self._own)
        return found

    def fit(self, code: Code, integration: Integration, instance: str) -> Code:
        """The code with the interpreter that it needs. Raises EnvironmentMissing when that is not built."""
        need = self.need(code, integration)
        built = None if need.level is Level.NONE else self.find(key_of(need))
        if built is not None:
            return replace(code, key=f"{code.key}:{built.key}:{built.stamp}", python=str(built.interpreter))
        if need.level is not Level.REQUIRED:
            return code
        raise EnvironmentMissing(self._why_missing(need, integration, instance))

    def _why_missing(self, need: Need, integration: Integration, instance: str) -> str:
        todo = f"`casemirror env build {instance}`"
        failure = self.failure(key_of(need))
        if failure:
            return f"{integration.name} cannot run before {todo} made its Python environment; last time that failed: {failure}"
        return (
            f"{integration.name} needs a Python environment ({need.source}) that is not built on this machine: {todo}"
        )

    def find(self, key: str) -> Built | None:
        """The environment with that key; None when it is not built, or its Python is gone."""
        path = self.folder / key
        try:
            stamp = (path / _ABOUT).stat().st_mtime_ns
            about: dict[str, Any] = json.loads((path / _ABOUT).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        if not (path / "bin" / "python").exists():
            return None
        return Built(
            key=key,
            path=path,
            python=str(about["python"]),
            requirements=tuple(about["requirements"]),
            distributions=tuple(about["distributions"]),
            built_at=datetime.fromisoformat(about["built_at"]),
            stamp=stamp,
        )

    def failure(self, key: str) -> str:
        """Why it could not be built the last time; empty when that was not tried or went well."""
        try:
            return self._failed(key).read_text("utf-8")
        except OSError:
            return ""

    def all(self) -> list[Built]:
        """Every environment that is there."""
        names = sorted(p.name for p in self.folder.iterdir() if p.is_dir()) if self.folder.is_dir() else []
        return [built for name in names if not name.startswith(".") and (built := self.find(name)) is not None]

    def build(self, need: Need, tell: Tell, *, again: bool = False) -> Built:
        """The environment, built unless it is there. Raises EnvironmentFailed with the words of uv or pip.

        again   build it anew, with the newest versions that the requirements allow
        """
        key = key_of(need)
        self.folder.mkdir(parents=True, exist_ok=True)  # integrations may run as another user
        before = self.find(key)
        with building.locked(self.folder / f"{key}.lock", tell):
            there = self.find(key)
            if there is not None and (not again or there != before):
                return there
            try:
                self._make(key, need, tell)
            except EnvironmentFailed as error:
                self._failed(key).write_text(error.message, "utf-8")
                raise
            self._failed(key).unlink(missing_ok=True)
        made = self.find(key)
        if made is None:
            raise EnvironmentFailed(f"the environment {key} was removed while it was built")
        return made

    def remove(self, built: Built) -> None:
        """Delete an environment; whoever uses it fails with its next import."""
        with building.locked(self.folder / f"{built.key}.lock", lambda line: None):
            self._throw_away(built.path)

    def _make(self, key: str, need: Need, tell: Tell) -> None:
        new = self.folder / f".new-{key}"
        self._throw_away(new)  # what a killed build left
        order = Order(requirements=requirements_of(need), python=need.python)
        try:
            version = building.build(order, new, tell)
            about = {
                "python": version,
                "requirements": order.requirements,
                "distributions": _distributions(new),
                "built_at": datetime.now(UTC).isoformat(),
            }
            (new / _ABOUT).write_text(json.dumps(about, indent=1), "utf-8")
            self._throw_away(self.folder / key)
            new.rename(self.folder / key)
        finally:
            shutil.rmtree(new, ignore_errors=True)

    def _throw_away(self, path: Path) -> None:
        """Remove an environment; one that is in its place disappears at once, not file by file."""
        old = self.folder / f".old-{path.name}"
        shutil.rmtree(old, ignore_errors=True)
        if path.is_dir():
            path.rename(old)
            shutil.rmtree(old, ignore_errors=True)

    def _failed(self, key: str) -> Path:
        return self.folder / f"{key}.failed"


def requirements_of(need: Need) -> tuple[str, ...]:
    """All that the environment gets, the base image's included, sorted."""
    return tuple(sorted({*images.base(), *need.requirements}, key=str.lower))


def key_of(need: Need) -> str:
    """Name of the environment that the need asks for: the same wherever requirements, Python and platform are the same."""
    python = f"{sys.implementation.name}-{need.python or OWN}"
    told = json.dumps([requirements_of(need), python, sysconfig.get_platform()])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _distributions(environment: Path) -> list[str]:
    """Name and version of what is installed, from the names of its metadata folders."""
    found = environment.glob("lib/python*/site-packages/*.dist-info")
    return sorted((path.name.removesuffix(".dist-info").replace("-", " ") for path in found), key=str.lower)
