"""What the public docker images of integrations bring: a table, because an integration's YAML names an image and no distributions."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

BASE_IMAGES: Final = ("demisto/python3", "demisto/python3-deb")
_PYTHON_TAG: Final = re.compile(r"(3\.\d+)(\.|$)")


@dataclass(frozen=True, kw_only=True)
class Image:
    """One image.

    name           without its tag
    requirements   PEP 508, beside those of `base`; None when the image is not in the table
    python         version that its tag tells, such as ``3.12``; empty when it tells none
    """

    name: str
    requirements: tuple[str, ...] | None = None
    python: str = ""


def named(reference: str) -> Image:
    """Look an image up by its reference, such as ``demisto/python3:3.12.13.10404775``. A registry in front of it does not count."""
    *registry, last = reference.strip().partition("@")[0].split("/")
    last, _, tag = last.partition(":")
    name = "/".join([*registry[-1:], last])
    told = _file()["images"].get(name)
    version = _PYTHON_TAG.match(tag) if name in BASE_IMAGES else None
    return Image(
        name=name, requirements=None if told is None else tuple(told), python=version.group(1) if version else ""
    )


def base() -> tuple[str, ...]:
    """What every environment has, because the common image has it or our own side of an integration needs it."""
    return tuple(_file()["base"])


@functools.cache
def _file() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(resources.files(__package__).joinpath("images.json").read_text("utf-8"))
    return found
