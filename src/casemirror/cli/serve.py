"""`casemirror serve` and `casemirror worker`: mirror until stopped."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING

import typer

from casemirror.cli import metrics, session
from casemirror.cli.metrics import Listen

if TYPE_CHECKING:
    from casemirror.cli.build import Options


def serve(ctx: typer.Context, listen: Listen = "") -> None:
    """Mirror and fetch for all instances until stopped (Ctrl-C, SIGTERM).

    Stopping it, or killing it, loses nothing: it goes on where it was. A second server on the same data is safe; the two
    share the work.

    \b
    Examples:
      casemirror serve
      casemirror --home /var/lib/casemirror serve
      casemirror serve --metrics localhost:9464
    """
    run(session.of(ctx).options(), listen)


def worker(ctx: typer.Context, listen: Listen = "") -> None:
    """Share the work of a PostgreSQL database with other workers, on this machine or on others.

    \b
    Example:
      casemirror --database-url postgresql://casemirror@db/casemirror worker
    """
    from casemirror.model.errors import Invalid

    options = session.of(ctx).options()
    if not options.database_url:
        raise Invalid(
            "a worker needs PostgreSQL: give --database-url; on one machine with SQLite use `casemirror serve`"
        )
    run(options, listen)


def run(options: Options, listen: str = "") -> None:
    """Run the dispatcher until a signal comes.

    listen   ``host:port`` of the metrics; empty: what the options say, which is nowhere unless it is set
    """
    from casemirror.cli import build
    from casemirror.engine.app import log
    from casemirror.engine.dispatch import Dispatcher

    stop = threading.Event()

    def wish(number: int, _: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, wish)
    with build.opened(options, serving=True) as app, metrics.served(app, listen or options.metrics):
        dispatcher = Dispatcher(app, options.system_url)
        dispatcher.start()
        typer.echo(
            f"casemirror mirrors; database {options.database_shown}, files {options.files}, key {options.key}", err=True
        )
        log.info("server.started", database=options.database_shown, home=str(options.home), executor=app.executor)
        try:
            while not stop.wait(0.5):
                pass
            log.info("server.stopping")
        finally:
            dispatcher.stop()
        log.info("server.stopped")
