"""`python -m casemirror.simulators.servicenow --port 8080`: the simulator as a process of its own."""

import argparse
from collections.abc import Sequence

from casemirror.simulators.common import options

from .server import serve


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse and serve.  Exits with 2 on a wrong option, fault or file."""
    parser = argparse.ArgumentParser(prog="servicenow simulator", description=__doc__)
    options.add(parser)
    parser.add_argument("--data", help="SQLite file that survives a restart (default: in memory)")
    parser.add_argument("--tickets", type=int, default=0, help="incidents that a new instance starts with")
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
            fault_values=dict(map(options.fault, given.fault)),
            certfile=given.certfile,
            keyfile=given.keyfile,
        )
    except (ValueError, OSError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
