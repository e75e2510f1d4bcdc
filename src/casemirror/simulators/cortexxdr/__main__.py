"""`python -m casemirror.simulators.cortexxdr --port 8080`: the simulator as a process of its own.

API keys: 1 = casemirror (advanced), 2 = casemirror (standard), 3 = viewer (advanced, reads only).
"""

import argparse
from collections.abc import Sequence

from casemirror.simulators.common import options

from .server import serve


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse and serve.  Exits with 2 on a wrong option, fault or file."""
    parser = argparse.ArgumentParser(prog="cortexxdr simulator", description=__doc__)
    options.add(parser)
    parser.add_argument("--incidents", type=int, default=0, help="incidents that a new tenant starts with")
    given = parser.parse_args(arguments)
    try:
        serve(
            host=given.host,
            port=given.port,
            seed=given.seed,
            first=[{"description": f"Malware on host-{number}"} for number in range(1, given.incidents + 1)],
            fault_values=dict(map(options.fault, given.fault)),
            certfile=given.certfile,
            keyfile=given.keyfile,
        )
    except (ValueError, OSError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
