"""Scripts of installed packs, run for mappers that name them as transformer or filter.   Source: content.md §3.5."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from casemirror.content.catalog import Catalog
from casemirror.content.items import Script
from casemirror.mapping.value import OperatorFailed
from casemirror.model.errors import CasemirrorError
from casemirror.model.settings import Settings
from casemirror.model.values import Json
from casemirror.runtime import wire
from casemirror.runtime.command import Code, Command, Runtime


@dataclass(frozen=True)
class PackScripts:
    """Runs scripts as operators: without parameters, without state, without anything that they could change here.

    before_run   is told each time for how many seconds a script may run now
    """

    runtime: Runtime
    catalog: Catalog
    settings: Settings
    before_run: Callable[[float], None] = lambda seconds: None

    def find(self, name: str) -> Script | None:
        """The script with that id or name."""
        return self.catalog.script(name)

    def run(self, script: Script, args: Mapping[str, Json]) -> Json:
        """What the script answers. Raises OperatorFailed with its own words."""
        limit = self.settings.seconds("mapping.script.timeout")
        self.before_run(limit)
        reply = self.runtime.run(
            Command(
                code=code_of(script, self.catalog),
                name=script.name,
                args=args,
                timeout_s=limit,
                timeout_setting="mapping.script.timeout",
                memory_bytes=self.settings.count("runtime.memory"),
            )
        )
        try:
            answer: Json = wire.parse_answer(reply)
        except CasemirrorError as error:
            raise OperatorFailed(error.message) from error
        finally:
            reply.discard()
        return answer


def code_of(script: Script, catalog: Catalog) -> Code:
    """The executable part of a script."""
    modules = catalog.api_modules_for(script.source)
    text = "\0".join(["script", script.id, script.source, *(f"{n}={s}" for n, s in sorted(modules.items()))])
    return Code(key=hashlib.sha256(text.encode()).hexdigest(), name=script.id, source=script.source, modules=modules)
