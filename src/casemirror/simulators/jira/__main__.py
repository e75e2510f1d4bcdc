"""`python -m casemirror.simulators.jira --port 8080`: the simulator as a process of its own."""

import argparse
from collections.abc import Sequence

from ..common import options
from .server import serve


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse and serve.  Exits with 2 on a wrong option, fault or file."""
    parser = argparse.ArgumentParser(prog="jira simulator", description=__doc__)
    options.add(parser)
    parser.add_argument("--issues", type=int, default=0, help="issues that a new instance starts with")
    given = parser.parse_args(arguments)
    try:
        serve(
            host=given.host,
            port=given.port,
            seed=given.seed,
            rows=[{"summary": f"Printer {number} is on fire"} for number in range(1, given.issues + 1)],
            fault_values=dict(map(options.fault, given.fault)),
            certfile=given.certfile,
            keyfile=given.keyfile,
        )
    except (ValueError, OSError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
