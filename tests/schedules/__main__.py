"""`python -m schedules --count 20000 --jobs 2 --seed 1`: run many schedules; a failure prints its seed and its history."""

from __future__ import annotations

import argparse
import random
import sys
from contextlib import nullcontext

from schedules import run
from support import postgres


def main() -> int:
    """Exit code 0: all is right in all of them; 1: something is wrong."""
    given = _arguments()
    seed = given.seed or random.SystemRandom().randrange(1, 10**9)
    print(f"seeds {seed} to {seed + given.count - 1}", flush=True)
    progress, failed = run.Progress(given.count), []
    with postgres.running() if given.postgres else nullcontext("") as server:
        for result in run.many(range(seed, seed + given.count), given.jobs, server):
            line = progress.add(result)
            if result.wrong:
                failed.append(result.seed)
                print(f"\n{run.told(result)}\n", flush=True)
            if line:
                print(line, flush=True)
    print("wrong: " + ", ".join(map(str, sorted(failed))) if failed else "nothing is wrong")
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m schedules", description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="how many schedules")
    parser.add_argument("--jobs", type=int, default=2, help="in how many processes")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first one; each next one adds 1")
    parser.add_argument("--postgres", action="store_true", help="one of fifty runs on PostgreSQL")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
