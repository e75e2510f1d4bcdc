"""What a mapping costs: an incident of 30 fields, compiled once, against compiling it every time.

Run: python benchmarks/mapping.py [rounds]. The mapper has what real ones have: most lines are paths, some project over a
list, some have filters and transformers. All figures of one run are measured in turns, so that a noisy machine disturbs
them alike.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from casemirror.content import items
from casemirror.content.catalog import Catalog
from casemirror.mapping import compiled
from casemirror.mapping.compiling import compile_expression
from casemirror.mapping.incoming import map_in
from casemirror.mapping.outgoing import map_out

FIELDS = 30
BUDGET_MS = 1.0


def argument(text: str) -> Mapping[str, Any]:
    """A literal argument."""
    return {"value": {"simple": text}}


def expression(number: int) -> Mapping[str, Any]:
    """The value expression of one field: of five, three are plain paths."""
    if number % 5 == 3:
        left = {"isContext": True, "value": {"simple": "alerts.kind"}}
        same = {"operator": "isEqualString", "left": left, "right": argument(f"k{number % 3}")}
        return {"complex": {"root": "alerts", "accessor": "host", "filters": [[same]], "transformers": [step("uniq")]}}
    if number % 5 == 4:
        table = {"input_values": argument("0,1,2,3"), "mapped_values": argument("None,Low,Medium,High")}
        chain = [step("trim"), step("MapValuesTransformer", **table), step("replace", toReplace=argument(" "))]
        return {"complex": {"root": f"f{number}", "transformers": chain}}
    return {"simple": f"deep.f{number}" if number % 2 else f"f{number}"}


def step(operator: str, **arguments: Any) -> Mapping[str, Any]:
    """One transformer."""
    return {"operator": operator, "args": arguments}


def event() -> dict[str, Any]:
    """A remote object of about 2 KB."""
    flat = {f"f{n}": str(n % 4) if n % 5 == 4 else f"value of field {n}" for n in range(FIELDS)}
    alerts = [{"host": f"host-{n % 4}", "kind": f"k{n % 3}", "score": n} for n in range(10)]
    return {**flat, "deep": dict(flat), "alerts": alerts}


def mappers() -> tuple[Any, Any, Catalog]:
    """An incoming mapper, an outgoing one, and the fields."""
    rules = {f"Field {n}": expression(n) for n in range(FIELDS)}
    body = {"mapping": {items.COMMON: {"internalMapping": rules}}}
    fields = [
        items.make("incidentfield", {"name": f"Field {n}", "cliName": f"field{n}", "type": "shortText"})
        for n in range(FIELDS)
    ]
    incoming = items.parse("mapper-in", {"id": "in", **body})
    outgoing = items.parse("mapper-out", {"id": "out", **body})
    return incoming, outgoing, Catalog.of(fields)


def timed(work: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def main(rounds: int) -> int:
    """Measure, print, and say by the exit code whether the budget is kept."""
    incoming, outgoing, catalog = mappers()
    given = event()
    raw = [rule for section in incoming.sections.values() for rule in section.mapping.values()]
    compiled.rules_for(incoming, "T")
    works: dict[str, Callable[[], object]] = {
        "map in": lambda: map_in(given, incoming, "T", catalog),
        "map out": lambda: map_out(given, outgoing, "T", dirty={"f1"}, passthrough=("owner",)),
        "compile": lambda: [compile_expression(rule) for rule in raw],
    }
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            found[name].append(timed(work))
    medians = {name: statistics.median(times) for name, times in found.items()}
    for name, median in medians.items():
        print(f"{name:8} {median:7.3f} ms  (p90 {statistics.quantiles(found[name], n=10)[-1]:.3f})")
    print(f"compiling costs {medians['compile'] / medians['map in']:.1f} times a mapping, once for each mapper")
    print(f"budget: {BUDGET_MS} ms for {FIELDS} fields; used {medians['map in'] / BUDGET_MS:.0%}")
    return 0 if medians["map in"] <= BUDGET_MS else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
