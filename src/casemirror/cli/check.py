"""`casemirror check`: whether an integration keeps the contract, point by point."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from casemirror.cli import authoring, output, progress
from casemirror.cli.session import AsJson

if TYPE_CHECKING:
    from casemirror.actions.contract.bench import Call
    from casemirror.actions.contract.point import Verdict
    from casemirror.actions.contract.scorecard import Scorecard

_SHOWN = 400
"""Characters of an argument list or an answer; JSON has all of it."""
_LOG = 5
"""Lines of a command's log."""
_CALLS = 5
"""Calls of a point: the last ones say most."""
_MARKS = {"passed": "ok", "failed": "FAIL", "skipped": "-"}


def check(
    path: authoring.Where,
    simulator: authoring.Simulator = "",
    param: authoring.Params = None,
    params: authoring.ParamsFile = None,
    secret: authoring.Secrets = None,
    may_write: Annotated[
        str,
        typer.Option(
            metavar="ID",
            help="Object of a real remote that may be changed: its title or severity is written, a comment added.",
        ),
    ] = "",
    with_: authoring.With = None,
    classifier: authoring.Classifier = None,
    mapper_in: authoring.MapperIn = None,
    mapper_out: authoring.MapperOut = None,
    json: AsJson = False,
) -> None:
    """Try whether an integration keeps the contract of mirroring, point by point. Nothing is installed.

    Without a simulator and parameters its files are looked at and nothing is run. With a simulator every point is tried:
    what its commands answer, cursors, time zones, limits, closing and reopening, echoes, errors. With parameters of a real
    remote those are tried that only read. Exit code 1 when a point does not hold.

    \b
    Examples:
      casemirror check ./AcmeTickets
      casemirror check ./AcmeTickets --simulator ./AcmeTickets/tests/fake_remote.py
      casemirror check ./Packs/ServiceNow/Integrations/ServiceNowv2 --simulator servicenow --json
      casemirror check ./AcmeTickets -p url=https://acme.example -p credentials.identifier=me --secret credentials
    """
    from casemirror.actions.contract import scorecard, subject
    from casemirror.actions.contract.bench import Bench
    from casemirror.actions.instances import Choice
    from casemirror.runtime.masking import secret_texts
    from casemirror.runtime.pool import ProcessRuntime

    choice = Choice(classifier=classifier, mapper_in=mapper_in, mapper_out=mapper_out)
    found = replace(subject.read(path, with_ or ()), choice=choice)
    live = bool(simulator or param or params or secret)
    with authoring.remote(simulator) as there, tempfile.TemporaryDirectory(prefix="casemirror-check-") as folder:
        given = authoring.Given(there=there, param=param, params_file=params, secret=secret)
        values, hidden = given.for_(found) if live else ({}, {})
        full, secrets = found.params({**values, **hidden}) if live else ({}, {})
        runtime = ProcessRuntime(Path(folder))
        try:
            bench = Bench(
                subject=found,
                runtime=runtime,
                params=full,
                secrets=tuple(secret_texts(secrets)),
                remote=there,
                may_write=may_write,
            )
            with progress.shown(f"checking {found.integration.id}") as told:
                card = scorecard.check(bench, live=live, progress=told)
        finally:
            runtime.close()
    if json:
        output.data(_json(card))
    else:
        _draw(card)
    if not card.holds:
        raise typer.Exit(1)


def _json(card: Scorecard) -> dict[str, Any]:
    return {
        "integration": card.integration,
        "live": card.live,
        "counts": {outcome: card.counts[outcome] for outcome in _MARKS},
        "points": [_point(verdict) for verdict in card.verdicts],
    }


def _point(verdict: Verdict) -> dict[str, Any]:
    point = verdict.point
    told = {"name": point.name, "outcome": verdict.outcome, "rule": point.rule, "text": verdict.text}
    if verdict.outcome != "failed":
        return told
    return {**told, "advice": point.advice, "source": point.source, "trace": [vars(call) for call in verdict.trace]}


def _draw(card: Scorecard) -> None:
    for verdict in card.verdicts:
        if verdict.outcome != "skipped":
            output.line(f"{_MARKS[verdict.outcome]:<5} {verdict.point.name:<20} {verdict.point.rule}")
        if verdict.outcome == "failed":
            for text in _failure(verdict):
                output.line(f"      {text}")
    for why, names in _not_tried(card).items():
        output.line(f"{_MARKS['skipped']:<5} not tried: {', '.join(names)}: {why}")
    counts = card.counts
    tried = counts["passed"] + counts["failed"]
    left = f"; {output.many(counts['skipped'], 'point')} not tried" if counts["skipped"] else ""
    output.line(f"\n{card.integration}: {counts['passed']} of {tried} points hold{left}")
    if not card.live:
        output.line("nothing was run; --simulator or parameters of a remote try its commands, too")


def _not_tried(card: Scorecard) -> dict[str, list[str]]:
    """Why → the points that were not tried."""
    found: dict[str, list[str]] = {}
    for verdict in card.verdicts:
        if verdict.outcome == "skipped":
            found.setdefault(verdict.text, []).append(verdict.point.name)
    return found


def _failure(verdict: Verdict) -> Iterator[str]:
    """What was seen, what to do, and the calls that were made."""
    yield from verdict.text.strip().splitlines()
    yield f"→ {verdict.point.advice}"
    if len(verdict.trace) > _CALLS:
        yield f"  … {len(verdict.trace) - _CALLS} calls before (--json shows them)"
    for call in verdict.trace[-_CALLS:]:
        yield from traced(call)


def traced(call: Call) -> Iterator[str]:
    """One call, line by line."""
    from casemirror.runtime import wire

    yield f"  {call.command} {wire.shown(call.args, _SHOWN)}"
    yield f"    answered {wire.shown(call.answer, _SHOWN)}" + ("" if call.ending == "normal" else f" ({call.ending})")
    yield from (f"    ! {line}" for line in call.error.strip().splitlines()[-_LOG:])
    yield from (f"    | {line}" for line in call.log[-_LOG:])
