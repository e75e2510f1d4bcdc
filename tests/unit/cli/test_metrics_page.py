"""The page `/metrics` of a server, with a real socket: what it answers when the database does not."""

from __future__ import annotations

import socket
from typing import Any, cast

import pytest
import requests
from prometheus_client.core import GaugeMetricFamily
from structlog.testing import capture_logs

from casemirror.actions import metrics as action
from casemirror.cli import metrics
from casemirror.model.errors import Invalid


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


def test_a_scrape_that_fails_is_answered_and_the_next_one_is_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """503 and one traceback in the log, nothing of it in the answer; no other page is there."""
    answers: list[Any] = [
        RuntimeError("disk full at /secret/place"),
        [GaugeMetricFamily("casemirror_x", "X.", value=7)],
    ]

    def collect(*_: object) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(action, "collect", collect)
    where = free_address()
    with metrics.served(cast("Any", None), where), capture_logs() as logs:
        assert requests.get(f"http://{where}/other", timeout=10).status_code == 404
        failed = requests.get(f"http://{where}/metrics", timeout=10)
        good = requests.get(f"http://{where}/metrics?x=1", timeout=10)
    assert (failed.status_code, "secret" in failed.text) == (503, False)
    assert "casemirror_x 7.0" in good.text
    assert [line["event"] for line in logs] == ["metrics.failed"]
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{where}/metrics", timeout=10)


def test_an_address_that_is_taken_or_none_is_told() -> None:
    """Which one, and what would be right."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = f"127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(OSError, match=f"--metrics {taken}"), metrics.served(cast("Any", None), taken):
            pass
    with pytest.raises(Invalid, match="write it as host:port"), metrics.served(cast("Any", None), "9464"):
        pass
    with metrics.served(cast("Any", None), ""):
        pass
