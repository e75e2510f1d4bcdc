"""`python -m casemirror.simulators.servicenow --port 8080`: the simulator as a process of its own."""

import argparse
import json
from collections.abc import Sequence
from typing import Any

from .server import serve


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse and serve.  Exits with 2 on a wrong option, fault or file."""
    parser = argparse.ArgumentParser(prog="servicenow simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="0 = any free one (default 8080)")
    parser.add_argument("--data", help="SQLite file that survives a restart (default: in memory)")
    parser.add_argument("--seed", type=int, help="makes sys_ids and the dice of the faults reproducible")
    parser.add_argument("--tickets", type=int, default=0, help="incidents that a new instance starts with")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help='e.g. late_index_s=3, html=true, rate_limit={"limit": 5}',
    )
    parser.add_argument("--certfile", help="PEM: serve https")
    parser.add_argument("--keyfile", help="PEM: the certificate's key")
    given = parser.parse_args(arguments)
    try:
        serve(
            host=given.host,
            port=given.port,
            data=given.data,
            seed=given.seed,
            rows={
                "incident": [
                    {"short_description": f"Printer {number} is on fire"} for number in range(1, given.tickets + 1)
                ]
            },
            fault_values=dict(map(_fault, given.fault)),
            certfile=given.certfile,
            keyfile=given.keyfile,
        )
    except (ValueError, OSError) as error:
        parser.error(str(error))


def _fault(text: str) -> tuple[str, Any]:
    """`name=JSON value`; a value that is no JSON is text."""
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


if __name__ == "__main__":
    main()
