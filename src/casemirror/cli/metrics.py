"""`casemirror metrics`, and the page `/metrics` of a server: what Prometheus reads."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from socket import AF_INET, AF_INET6
from typing import TYPE_CHECKING, Annotated, Any

import typer

from casemirror.cli import session

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

    from casemirror.engine.app import App
    from casemirror.model.actor import Actor

Listen = Annotated[
    str,
    typer.Option(
        "--metrics",
        metavar="HOST:PORT",
        help="Serve metrics for Prometheus at http://HOST:PORT/metrics. [default: CASEMIRROR_METRICS, else not at all]",
    ),
]


def metrics(ctx: typer.Context) -> None:
    """Print all metrics in the text form of Prometheus.

    Each is read from the database: it is the same whichever process tells it, and however many there are.

    \b
    Example:
      casemirror metrics
      casemirror serve --metrics localhost:9464
    """
    from prometheus_client import generate_latest

    with session.opened(ctx) as (mirror, me):
        typer.echo(generate_latest(registry(mirror, me)).decode(), nl=False)


def registry(mirror: App, me: Actor) -> CollectorRegistry:
    """A registry that asks the database whenever it is asked."""
    from prometheus_client import CollectorRegistry

    made = CollectorRegistry(auto_describe=False)
    made.register(_Collector(mirror, me))
    return made


class _Collector:
    """Reads the database on each scrape."""

    def __init__(self, mirror: App, me: Actor) -> None:
        self._mirror, self._me = mirror, me

    def collect(self) -> Iterable[Metric]:
        """All metrics."""
        from casemirror.actions import metrics as action

        return action.collect(self._mirror, self._me)


@contextmanager
def served(mirror: App, listen: str) -> Iterator[None]:
    """Serve `/metrics` at ``host:port`` for a while; an empty address serves nothing. Raises Invalid, and OSError."""
    if not listen:
        yield
        return
    from casemirror.model.settings import address

    host, port = address(listen, "--metrics")
    server = _Server((host, port), _page(registry(mirror, session.me())))
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    typer.echo(f"metrics are at http://{listen}/metrics", err=True)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    """One thread for each scrape; one that breaks is logged and answered, and ends nothing."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], page: Any) -> None:
        self.address_family = AF_INET6 if ":" in address[0] else AF_INET
        try:
            super().__init__(address, page)
        except OSError as error:
            raise OSError(f"--metrics {address[0]}:{address[1]}: {error.strerror or error}") from error

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked is gone."""
        from casemirror.engine.app import log

        log.debug("metrics.not_read", exc_info=True)


def _page(found: CollectorRegistry) -> Any:
    from prometheus_client import MetricsHandler

    from casemirror.engine.app import log

    class Page(MetricsHandler):
        """Answers `/metrics`, and nothing else."""

        registry = found
        timeout = 30

        def do_GET(self) -> None:
            """All metrics; 503 when the database cannot be read."""
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(404, explain="Metrics are at /metrics.")
                return
            try:
                super().do_GET()
            except ConnectionError:
                raise
            except Exception:
                log.exception("metrics.failed")
                self.send_error(503, explain="The database cannot be read now; the server's log says more.")

    return Page
