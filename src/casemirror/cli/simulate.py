"""`casemirror simulate`: remote systems to try things with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, help="Simulated remote systems, on this machine only.")

_Port = Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")]
_Fault = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help="Let it misbehave: late_index_s=3, html=true. Repeat it."),
]


@app.callback()
def simulate() -> None:
    """Simulated remote systems, on this machine only."""


@app.command()
def servicenow(
    port: _Port = 8080,
    data: Annotated[Path | None, typer.Option(help="SQLite file that keeps its tickets; in memory else.")] = None,
    tickets: Annotated[int, typer.Option(min=0, help="Incidents that it begins with.")] = 3,
    fault: _Fault = None,
) -> None:
    """Serve a ServiceNow instance (Table API, journal, attachments, OAuth). User casemirror, password casemirror.

    \b
    Example:
      casemirror simulate servicenow --port 8080
      casemirror instance add snow -i "casemirror ServiceNow" -p url=http://127.0.0.1:8080 \\
          -p credentials.identifier=casemirror --secret credentials
    """
    from casemirror.simulators import servicenow as simulator

    rows = {"incident": [{"short_description": title} for title in _titles(tickets)]}
    with _told_of_interrupts():
        simulator.serve(port=port, data=data, rows=rows, fault_values=_faults(fault))


@app.command()
def jira(
    port: _Port = 8080,
    issues: Annotated[int, typer.Option(min=0, help="Issues of the project SOC that it begins with.")] = 3,
    fault: _Fault = None,
) -> None:
    """Serve a Jira Data Center (REST API 2, JQL, workflows, attachments). User casemirror, password casemirror.

    Projects: SOC with the classic workflow, TASK with To Do, In Progress, Done. Everything is in memory.

    \b
    Example:
      casemirror simulate jira --port 8080
      casemirror instance add tracker -i "casemirror Jira" -p url=http://127.0.0.1:8080 -p project=SOC \\
          -p credentials.identifier=casemirror --secret credentials
    """
    from casemirror.simulators import jira as simulator

    rows = [{"summary": title} for title in _titles(issues)]
    with _told_of_interrupts():
        simulator.serve(port=port, rows=rows, fault_values=_faults(fault))


@app.command()
def cortexxdr(
    port: _Port = 8080,
    incidents: Annotated[int, typer.Option(min=0, help="Incidents that it begins with.")] = 3,
    fault: _Fault = None,
) -> None:
    """Serve a Cortex XDR tenant (incidents and their alerts). API key ID 1, key casemirror.

    Key ID 2, key casemirror is a standard key; key ID 3, key viewer reads only. Everything is in memory.

    \b
    Example:
      casemirror simulate cortexxdr --port 8080
      casemirror instance add xdr -i "casemirror Cortex XDR" -p url=http://127.0.0.1:8080 \\
          -p credentials.identifier=1 --secret credentials
    """
    from casemirror.simulators import cortexxdr as simulator

    first = [{"description": title} for title in _titles(incidents)]
    with _told_of_interrupts():
        simulator.serve(port=port, first=first, fault_values=_faults(fault))


def _titles(count: int) -> list[str]:
    return [f"Printer {number} is on fire" for number in range(1, count + 1)]


def _faults(given: list[str] | None) -> dict[str, Any]:
    from casemirror.simulators.common import options

    return dict(map(options.fault, given or ()))


@contextmanager
def _told_of_interrupts() -> Iterator[None]:
    """A shell's background job begins with SIGINT ignored; and a fault that is none is the caller's mistake."""
    import signal

    from casemirror.model.errors import Invalid

    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except ValueError as error:
        raise Invalid(str(error)) from error
