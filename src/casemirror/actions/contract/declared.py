"""Points of the files alone: YAML, code, classifier, mappers. No remote is needed, nothing is run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from casemirror.actions.contract.bench import Bench
from casemirror.actions.contract.point import Broken, NotTried, Point, must
from casemirror.actions.contract.source import Source
from casemirror.actions.contract.subject import Subject
from casemirror.actions.packs import API_MODULES, OPERATORS
from casemirror.content import dependencies
from casemirror.content.integration import ParamType
from casemirror.content.items import Integration
from casemirror.mapping import compiled
from casemirror.mapping.targets import SYSTEM_NAMES
from casemirror.model.errors import Invalid

_SECRET: Final = re.compile(r"pass(word|wd)|secret|token|api_?key|private_?key", re.IGNORECASE)
_NO_SECRET: Final = re.compile(r"url|uri|endpoint|expir|path|_id$|type$|field|tag", re.IGNORECASE)
_COMMANDS: Final = {
    "fetch-incidents": "isfetch",
    "get-mapping-fields": "ismappable",
    "get-remote-data": "isremotesyncin",
    "update-remote-system": "isremotesyncout",
}
"""Command → the flag that makes the server call it.   Source: mirroring.md §0.1."""
_MIRROR_NAMES: Final = ("dbotMirrorId", "dbotMirrorInstance", "dbotMirrorDirection")


def source_of(subject: Subject) -> Source:
    """The code of an integration."""
    integration = subject.integration
    return Source(integration.source, subject.catalog.api_modules_for(integration.source))


def _flags(integration: Integration) -> dict[str, bool]:
    return {
        "isfetch": integration.fetch,
        "ismappable": integration.mappable,
        "isremotesyncin": integration.mirror_in,
        "isremotesyncout": integration.mirror_out,
    }


def _is_readable(bench: Bench) -> None:
    problems = [*bench.subject.pack.problems, *bench.subject.catalog.problems]
    must(not problems, "; ".join(map(str, problems)))


def _can_run(bench: Bench) -> None:
    integration = bench.subject.integration
    must(not integration.runnable, f"it {integration.runnable}")
    try:
        _ = source_of(bench.subject).tree
    except Invalid as error:
        raise Broken(error.message) from error


def _libraries_are_there(bench: Bench) -> None:
    missing = source_of(bench.subject).missing_libraries()
    must(not missing, f"this Python has no {', '.join(missing)}")


def _names_are_defined(bench: Bench) -> None:
    undefined = source_of(bench.subject).undefined()
    shown = ", ".join(f"{name} (line {line})" for name, line in undefined)
    must(not undefined, f"used, and defined neither there nor by CommonServerPython: {shown}")


def _mirrors(bench: Bench) -> None:
    must(bench.subject.integration.mirrors, "neither isremotesyncin nor isremotesyncout is true")


def _flags_have_commands(bench: Bench) -> None:
    flags, code = _flags(bench.subject.integration), source_of(bench.subject)
    lacking = [
        f"{flag} is true, and the code has no {name}"
        for name, flag in _COMMANDS.items()
        if flags[flag] and not code.mentions(name)
    ]
    must(not lacking, "; ".join(lacking))


def _commands_have_flags(bench: Bench) -> None:
    flags, code = _flags(bench.subject.integration), source_of(bench.subject)
    unused = [
        f"the code has {name}, and {flag} is not true"
        for name, flag in _COMMANDS.items()
        if not flags[flag] and code.mentions(name)
    ]
    must(not unused, "; ".join(unused))


def _can_be_tested(bench: Bench) -> None:
    must(source_of(bench.subject).mentions("test-module"), "the code has no test-module")


def _runs_everywhere(bench: Bench) -> None:
    """XSOAR runs integrations as `builtins`, test tools as `__main__` (mirroring.md §1.1.2)."""
    for line, texts in source_of(bench.subject).guards():
        must(
            {"builtins", "__main__"} <= texts,
            f"line {line}: __name__ is compared with {', '.join(sorted(texts)) or 'nothing'}",
        )


def _does_not_print(bench: Bench) -> None:
    lines = source_of(bench.subject).calls("print")
    must(not lines, f"print() in line {', '.join(map(str, lines))}")


def _executes_no_command(bench: Bench) -> None:
    lines = source_of(bench.subject).calls("demisto.executeCommand")
    must(not lines, f"demisto.executeCommand() in line {', '.join(map(str, lines))}")


def _fetch_can_be_switched_on(bench: Bench) -> None:
    parameter = bench.subject.integration.param("isFetch")
    must(parameter and parameter.type == ParamType.BOOLEAN, "there is no parameter isFetch of type 8")


def _secrets_are_secret(bench: Bench) -> None:
    declared = bench.subject.integration.params
    open_ = [
        p.name
        for p in declared
        if p.type in (0, 12) and not p.is_secret and _SECRET.search(p.name) and not _NO_SECRET.search(p.name)
    ]
    must(not open_, f"{', '.join(open_)}: a text that everybody can read")


def _refers_to_what_is_there(bench: Bench) -> None:
    subject = bench.subject
    all_of_it = dependencies.missing(
        subject.catalog, operators=OPERATORS, system_fields=SYSTEM_NAMES, api_modules=API_MODULES
    )
    found = [missing for missing in all_of_it if missing.user in set(users(subject))]
    elsewhere = subject.pack.dependencies
    must(not found or elsewhere, "; ".join(map(str, found)))
    if found:
        raise NotTried(f"what is not in the pack may be in {', '.join(elsewhere)}: {'; '.join(map(str, found[:3]))}")


def users(subject: Subject) -> Iterator[str]:
    """What counts of all that the pack's items refer to: the integration's references, and those of what it is used with."""
    yield f"integration {subject.integration.id}"
    if subject.classifier:
        yield f"classifier {subject.classifier.id}"
    yield from (f"mapper {mapper.id}" for mapper in (subject.mapper_in, subject.mapper_out) if mapper)


def _says_how_to_mirror(bench: Bench) -> None:
    """By either route: keys of the fetched incident, or lines of the incoming mapper (mirroring.md §1.4)."""
    code, mapped = source_of(bench.subject), set(_mapped(bench.subject))
    lacking = [name for name in _MIRROR_NAMES if name not in mapped and not code.mentions(name)]
    must(not lacking, f"neither the code nor the incoming mapper sets {', '.join(lacking)}")


def _mapped(subject: Subject) -> Iterator[str]:
    mapper = subject.mapper_in
    for section in mapper.sections if mapper else ():
        yield from (rule.key for rule in compiled.rules_for(mapper, section))  # type: ignore[arg-type]


POINTS: Final = (
    Point(
        name="files.readable",
        rule="all files of the pack can be read",
        source="content.md §1.2, §2",
        advice="mend what is named; whatever cannot be read is left out when the pack is installed",
        work=_is_readable,
    ),
    Point(
        name="code.runs",
        rule="the code is Python 3",
        source="content.md §1.1, §1.5",
        advice="script.type: python, script.subtype: python3, and a file <name>.py beside <name>.yml that compiles",
        work=_can_run,
    ),
    Point(
        name="code.libraries",
        rule="what it imports is installed",
        source="content.md §1.5",
        advice="install it into casemirror's Python, or do without",
        work=_libraries_are_there,
    ),
    Point(
        name="code.names",
        rule="every name it uses is defined",
        source="content.md §1.1",
        advice="define or import it; docs/integrations.md lists what CommonServerPython has",
        work=_names_are_defined,
    ),
    Point(
        name="code.guard",
        rule="main() runs whatever the server calls the module",
        source="mirroring.md §1.1.2",
        advice='if __name__ in ("__main__", "__builtin__", "builtins"): main()',
        work=_runs_everywhere,
    ),
    Point(
        name="code.print",
        rule="it does not print",
        source="mirroring.md §1.1.4",
        advice="demisto.debug() logs; on some servers what is printed is taken for a result",
        work=_does_not_print,
    ),
    Point(
        name="code.execute",
        rule="it runs no commands of others",
        source="MIR-198",
        advice="demisto.executeCommand is for scripts; integrations do not have it",
        work=_executes_no_command,
    ),
    Point(
        name="flags.mirror",
        rule="it declares that it mirrors",
        source="mirroring.md §0.1",
        advice="script.isremotesyncin: true, script.isremotesyncout: true, as far as it can",
        work=_mirrors,
    ),
    Point(
        name="flags.commands",
        rule="each flag has its command",
        source="mirroring.md §0.1",
        advice="write the command, or take the flag away",
        work=_flags_have_commands,
    ),
    Point(
        name="flags.all",
        rule="each command has its flag",
        source="mirroring.md §0.1",
        advice="set the flag: the server calls a mirror command by its flag alone",
        work=_commands_have_flags,
    ),
    Point(
        name="flags.test",
        rule="it can be tested",
        source="mirroring.md §1.3",
        advice='write test-module; it returns "ok"',
        work=_can_be_tested,
    ),
    Point(
        name="params.fetch",
        rule="fetching can be switched on",
        source="content.md §1.3",
        advice="a parameter isFetch of type 8",
        work=_fetch_can_be_switched_on,
        flag="fetch",
    ),
    Point(
        name="params.secrets",
        rule="secrets are stored encrypted",
        source="content.md §1.3",
        advice="type 9 for a user with a password, 4 for a key, 14 for a long one",
        work=_secrets_are_secret,
    ),
    Point(
        name="content.references",
        rule="classifier, mappers, types, fields and operators that it refers to are there",
        source="content.md §2.3",
        advice="add them to the pack, or name the pack that has them under dependencies in pack_metadata.json",
        work=_refers_to_what_is_there,
    ),
    Point(
        name="content.mirror",
        rule="a fetched incident says how it is mirrored",
        source="mirroring.md §0.3, §1.4",
        advice="put dbotMirrorId, dbotMirrorInstance and dbotMirrorDirection on the incident, or map them",
        work=_says_how_to_mirror,
        flag="fetch",
    ),
)
"""In the order in which they are shown."""
