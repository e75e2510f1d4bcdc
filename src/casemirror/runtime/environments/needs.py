"""What an integration needs of its Python, decided from its pack, its image and what it imports."""

from __future__ import annotations

import functools
import importlib.machinery
import site
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from typing import Final, Protocol

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from casemirror.content.items import Integration
from casemirror.content.requirements import Requirements
from casemirror.runtime.environments import images, modules

OLDEST: Final = (3, 11)
NEWEST: Final = (3, 13)
"""Versions of Python that our own side of an integration runs with."""
OWN: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The version that casemirror itself runs with."""


class Level(StrEnum):
    """How much an integration needs an environment of its own."""

    NONE = "none"
    """casemirror's own packages are enough"""
    USEFUL = "useful"
    """it starts without; some of what it can do imports what only an environment has"""
    REQUIRED = "required"
    """it cannot start without"""


@dataclass(frozen=True, kw_only=True)
class Need:
    """What an integration needs.

    requirements   PEP 508, beside `images.base()`
    source         who says so: a file of the pack, or an image; empty when nobody does
    python         the version to use when this machine has it; empty: casemirror's own
    missing        modules that it imports and casemirror's own packages lack
    """

    level: Level = Level.NONE
    requirements: tuple[str, ...] = ()
    source: str = ""
    python: str = ""
    missing: tuple[str, ...] = ()


class Packages(Protocol):
    """The packages of one Python."""

    def has_module(self, name: str) -> bool:
        """The top-level module can be imported."""
        ...

    def satisfy(self, requirement: str) -> bool:
        """The distribution is there, in a version that the requirement allows."""
        ...


class OwnPackages:
    """The packages of the Python that casemirror runs with, as an integration's process sees them."""

    @functools.cached_property
    def _folders(self) -> list[str]:
        paths = sysconfig.get_paths()
        return list(dict.fromkeys([paths["purelib"], paths["platlib"], *site.getsitepackages()]))

    def has_module(self, name: str) -> bool:
        """The top-level module can be imported."""
        if name in sys.stdlib_module_names or name in sys.builtin_module_names:
            return True
        return importlib.machinery.PathFinder.find_spec(name, self._folders) is not None

    def satisfy(self, requirement: str) -> bool:
        """The distribution is there, in a version that the requirement allows; extras are never taken for granted."""
        wanted = Requirement(requirement)
        if wanted.marker is not None and not wanted.marker.evaluate():
            return True
        try:
            version = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            return False
        return not wanted.extras and wanted.specifier.contains(version, prereleases=True)


def need_of(integration: Integration, api_modules: Mapping[str, str], own: Packages) -> Need:
    """Decide what the integration needs. Its pack's word wins over its image's; what nobody tells cannot be installed.

    api_modules   name → source of the API modules that it imports
    """
    found = modules.imports_of((integration.source, *api_modules.values()))
    lacking = {name for name in found.always | found.sometimes if not own.has_module(name) and name not in api_modules}
    image, told, missing = images.named(integration.docker_image), integration.requirements, tuple(sorted(lacking))
    level = Level.REQUIRED if lacking & found.always else Level.USEFUL if lacking else Level.NONE
    if told is not None and not told.is_lock:
        return _by_pack(told, level if all(map(own.satisfy, told.lines)) else Level.REQUIRED, missing)
    if told is not None and level is not Level.NONE and (image.requirements is None or _brings(told, missing)):
        return _by_pack(told, level, missing)
    if image.requirements is None:
        return Need(missing=missing)
    python, source = usable(image.python), f"image {image.name}"
    return Need(level=level, requirements=image.requirements, source=source, python=python, missing=missing)


def _by_pack(told: Requirements, level: Level, missing: tuple[str, ...]) -> Need:
    python = usable(told.python)
    return Need(level=level, requirements=told.lines, source=told.source, python=python, missing=missing)


def _brings(told: Requirements, missing: tuple[str, ...]) -> bool:
    """It names what is missing: a lock that was only made for tests does not."""
    return all(canonicalize_name(modules.distribution_of(name)) in told.names for name in missing)


def usable(version: str) -> str:
    """The version when our side of an integration runs with it and casemirror does not anyhow; else empty."""
    if not version or version == OWN:
        return ""
    major, _, minor = version.partition(".")
    return version if OLDEST <= (int(major), int(minor)) <= NEWEST else ""
