"""`casemirror simulate`: remote systems to try things with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Simulated remote systems, on this machine only.")


@app.callback()
def simulate() -> None:
    """Simulated remote systems, on this machine only."""


@app.command()
def servicenow(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8080,
    data: Annotated[Path | None, typer.Option(help="SQLite file that keeps its tickets; in memory else.")] = None,
    tickets: Annotated[int, typer.Option(min=0, help="Incidents that it begins with.")] = 3,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Let it misbehave: late_index_s=3, html=true. Repeat it."),
    ] = None,
) -> None:
    """Serve a ServiceNow instance (Table API, journal, attachments, OAuth). User casemirror, password casemirror.

    \b
    Example:
      casemirror simulate servicenow --port 8080
      casemirror instance add snow -i "casemirror ServiceNow" -p url=http://127.0.0.1:8080 \\
          -p credentials.identifier=casemirror --secret credentials
    """
    import json
    import signal
    from typing import Any

    from casemirror.model.errors import Invalid
    from casemirror.simulators import servicenow as simulator

    def value(text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError:
            return text

    faults = {name: value(text) for name, _, text in (given.partition("=") for given in fault or ())}
    rows = {"incident": [{"short_description": f"Printer {number} is on fire"} for number in range(1, tickets + 1)]}
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job begins with SIGINT ignored
    try:
        simulator.serve(port=port, data=data, rows=rows, fault_values=faults)
    except ValueError as error:
        raise Invalid(str(error)) from error
