"""Commands per second: the warm runtime against a fresh interpreter for each command, same code, in one run.

    python benchmarks/commands_per_second.py [seconds for each side]

The integration does nothing but what all do: it imports CommonServerPython and answers. Both sides run one command after another. The
fresh side starts the runtime's own parent for each command, so that it pays for the same protection and gives the same reply.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from casemirror.runtime.command import Code, Command, Ending
from casemirror.runtime.pool import ProcessRuntime

SOURCE = """
import demistomock as demisto
from CommonServerPython import *

def main():
    args = GetRemoteDataArgs(demisto.args())
    return_results(GetRemoteDataResponse({"id": args.remote_incident_id, "state": "open"}, []))

if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
"""


def command(key: str) -> Command:
    args = {"id": "R1", "lastUpdate": "2024-01-01T00:00:00.000000Z"}
    return Command(code=Code(key=key, name="Benchmark", source=SOURCE), name="get-remote-data", args=args)


def measure(run: Callable[[], None], seconds: float) -> list[float]:
    """Seconds that each run took."""
    run()
    took: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        began = time.perf_counter()
        run()
        took.append(time.perf_counter() - began)
    return took


def report(name: str, took: list[float]) -> float:
    median = statistics.median(took)
    print(
        f"{name:<18} {len(took):>6} commands   median {median * 1000:8.2f} ms   {1 / statistics.mean(took):8.1f} commands/s"
    )
    return median


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    with tempfile.TemporaryDirectory() as folder:
        warm_runtime = ProcessRuntime(Path(folder) / "warm")

        def warm() -> None:
            assert warm_runtime.run(command("warm")).ending is Ending.NORMAL

        def fresh() -> None:
            runtime = ProcessRuntime(Path(folder) / "fresh")
            assert runtime.run(command("fresh")).ending is Ending.NORMAL
            runtime.close()

        warm_median = report("warm, forked", measure(warm, seconds))
        fresh_median = report("fresh interpreter", measure(fresh, seconds))
        warm_runtime.close()
    print(f"a warm command costs 1/{fresh_median / warm_median:.0f} of a fresh one")


if __name__ == "__main__":
    main()
