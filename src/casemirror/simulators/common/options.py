"""The options that every simulator's own process takes."""

import argparse
import json
from typing import Any


def add(parser: argparse.ArgumentParser) -> None:
    """--host, --port, --seed, --fault, --certfile, --keyfile"""
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="0 = any free one (default 8080)")
    parser.add_argument("--seed", type=int, help="makes ids and the dice of the faults reproducible")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help='e.g. late_index_s=3, html=true, rate_limit={"limit": 5}',
    )
    parser.add_argument("--certfile", help="PEM: serve https")
    parser.add_argument("--keyfile", help="PEM: the certificate's key")


def fault(text: str) -> tuple[str, Any]:
    """`name=JSON value`; a value that is no JSON is text."""
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
