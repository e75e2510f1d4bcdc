"""Which Python runs an integration, and what to do about a module that is missing there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from casemirror.runtime.command import Code, Reply
from casemirror.runtime.environments import modules
from casemirror.runtime.environments.needs import Level
from casemirror.runtime.wire import entries

if TYPE_CHECKING:
    from casemirror.engine.commands import Caller


def fit(caller: Caller, code: Code) -> Code:
    """The code with the interpreter that its integration needs. Raises EnvironmentMissing."""
    environments = caller.app.environments
    return code if environments is None else environments.fit(code, caller.integration, caller.instance.name)


def explained(caller: Caller, code: Code, reply: Reply) -> Reply:
    """The reply; where it tells of a missing module, with the distribution that brings it and how to add that."""

    def explain(text: str) -> str:
        module = modules.missing_in(text)
        return f"{text.rstrip()}\n{_advice(caller, code, module)}" if module else text

    results = tuple(_explained_result(result, explain) for result in reply.results)
    return replace(reply, error=explain(reply.error), results=results)


def _explained_result(result: Any, explain: Any) -> Any:
    if isinstance(result, list):
        return [_explained_result(item, explain) for item in result]
    if not isinstance(result, Mapping) or not entries.is_error(result) or not isinstance(result.get("Contents"), str):
        return result
    return {**result, "Contents": explain(result["Contents"])}


def _advice(caller: Caller, code: Code, module: str) -> str:
    if module.endswith("ApiModule"):
        return f"The API module {module} comes with the pack ApiModules: `casemirror pack add` its folder."
    what, build = f"The Python module {module!r} is missing here", f"`casemirror env build {caller.instance.name}`"
    environments = caller.app.environments
    need = environments.need(code, caller.integration) if environments and not code.python else None
    if need is not None and need.level is not Level.NONE:
        return f"{what}; {build} builds the environment that {need.source} describes."
    return (
        f"{what}; the distribution {modules.distribution_of(module)} brings it. Name it in a requirements.txt beside "
        f"the integration's YAML, install the pack again, then {build}."
    )
