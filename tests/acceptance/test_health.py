"""Health as people see it: real servers, a real web server and mail server that get notices, and the page of metrics."""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from casemirror.model.health import State
from casemirror.simulators.servicenow import ServiceNowSimulator
from support.cli import Program
from support.listeners import Hooks, MailServer
from support.mirror import PACKS, QUICK, Mirror, eventually
from support.server import Server

PASSWORD, TOKEN = "mail-swordfish-4711", "t0ken-in-the-path"
DOCS = Path(__file__).parents[2] / "docs" / "health.md"


@pytest.fixture
def snow() -> Iterator[ServiceNowSimulator]:
    with ServiceNowSimulator(seed=1) as simulator:
        yield simulator


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    with Hooks().serving() as made:
        yield made


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[MailServer]:
    with MailServer(tmp_path, PASSWORD).serving() as made:
        yield made


@pytest.fixture
def program(tmp_path: Path, snow: ServiceNowSimulator, hooks: Hooks, mail: MailServer) -> Program:
    """An instance of ServiceNow that works, and both ways of being told."""
    home = tmp_path / "home"
    home.mkdir()
    mirror = Mirror(home)
    mirror.install(PACKS / "CasemirrorServiceNow")
    given = {"credentials.identifier": "casemirror", "credentials.password": "casemirror", "isFetch": "true"}
    mirror.instance(
        "snow", "casemirror ServiceNow", {"url": snow.url, "mirror_direction": "Incoming And Outgoing", **given}
    )
    mirror.set(
        {
            **QUICK,
            "notify.email.to": "night@example.com, day@example.com",
            "notify.email.from": "casemirror@example.com",
            "notify.email.server": f"127.0.0.1:{mail.port}",
            "notify.email.user": "casemirror",
        }
    )
    mirror.close()
    made = Program(home, {"MAIL_PASSWORD": PASSWORD, "SSL_CERT_FILE": str(mail.certificate)})
    made.good("config", "set", "notify.webhook", "-", stdin=f"{hooks.url}/{TOKEN}?key={TOKEN}\n")
    made.good("config", "set", "notify.email.password", "env:MAIL_PASSWORD")
    return made


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def scraped(port: int) -> dict[str, Any]:
    """The page of metrics as Prometheus understands it."""
    page = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10)
    assert page.status_code == 200
    return {family.name: family for family in text_string_to_metric_families(page.text)}


def value(families: dict[str, Any], name: str, **labels: str) -> float:
    """One sample."""
    samples = [s for f in families.values() for s in f.samples if s.name == name and s.labels == labels]
    assert len(samples) == 1, (name, labels)
    return float(samples[0].value)


def health(program: Program, *words: str) -> tuple[int, str]:
    """Exit code and state."""
    ran = program("health", *words, "--json")
    return ran.code, ran.json[0]["state"]


def test_people_hear_of_a_failure_once_whatever_happens_to_the_servers(
    program: Program, snow: ServiceNowSimulator, hooks: Hooks, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/health.md: two servers, a webhook that fails at first, a kill -9 before it is tried again."""
    monkeypatch.setenv("SSL_CERT_FILE", str(mail.certificate))
    servers = [Server(program.home).start() for _ in range(2)]
    try:
        eventually(lambda: health(program) == (0, "ok") and program("health", "snow", "--json").json[0]["since"])
        hooks.status = 500
        snow.set_faults(html=True)
        eventually(lambda: health(program, "snow") == (1, "failing"), what="the failure")
        both = ("notice.failed", "notice.sent")  # the webhook, the mail: nothing is under way
        eventually(lambda: all(event in servers[0].said() + servers[1].said() for event in both), what="first tries")
        for server in servers:
            server.kill()
        assert (len(hooks.refused), len(mail.mails), hooks.taken) == (1, 1, [])
        hooks.status = 204
        snow.set_faults(html=False)
        for server in servers:
            server.start()
        eventually(lambda: [h["state"] for h in hooks.taken][:2].count("failing") == 1, what="the webhook")
        eventually(lambda: health(program) == (0, "ok"), what="the recovery")
        eventually(lambda: {h["state"] for h in hooks.taken} == {"failing", "ok"}, what="both notices")
        eventually(lambda: len(mail.mails) >= 2, what="both mails")
        assert [server.stop() for server in servers] == [0, 0]
    finally:
        for server in servers:
            server.end()
    assert set(Counter(h["id"] for h in hooks.taken).values()) == {1}
    failing = next(h for h in hooks.taken if h["state"] == "failing")
    assert (failing["instance"], failing["former"], failing["path"]) == ("snow", "ok", f"/{TOKEN}?key={TOKEN}")
    assert failing["text"].startswith("snow is failing (was ok): ")
    told = next(m for m in mail.mails if "failing" in m["Subject"])
    assert (told["To"], told["From"]) == ("night@example.com, day@example.com", "casemirror@example.com")
    assert failing["reason"][:40] in re.sub(r"=\n", "", told.as_string())
    said = "".join(server.said() for server in servers)
    assert sum('"instance.health"' in line and '"state": "failing"' in line for line in said.splitlines()) == 1
    lines = program.good("health", "history", "snow", "--json").json
    assert [(line["former"], line["state"]) for line in reversed(lines)][:3] == [("", "ok"), ("ok", "failing"), ("failing", "ok")]  # fmt: skip
    shown = said + program.good("config", "list").out + program.good("health", "history", "snow").out
    kept = b"".join(p.read_bytes() for p in program.home.rglob("*") if p.is_file())
    assert PASSWORD not in shown and TOKEN not in shown
    assert PASSWORD.encode() not in kept and TOKEN.encode() not in kept


def test_a_test_notice_tells_what_came_of_it(program: Program, hooks: Hooks, mail: MailServer) -> None:
    """`casemirror health test`: every target by itself, exit code 1 when one did not take it."""
    assert [trial["error"] for trial in program.good("health", "test", "--json").json] == ["", ""]
    assert [h["instance"] for h in hooks.taken] == ["health test"]
    assert "health test is ok: this is a test" in mail.mails[0]["Subject"]
    hooks.status = 410
    program.good("config", "set", "notify.email.password", "-", stdin="wrong")
    ran = program("health", "test")
    assert ran.code == 1
    assert f"{hooks.url}/… answered with status 410" in ran.out
    assert "refused the log-in" in ran.out
    assert TOKEN not in ran.out + ran.err


def test_a_mail_server_with_a_strange_certificate_gets_no_password(program: Program, mail: MailServer) -> None:
    """STARTTLS is checked before the log-in."""
    program.good("config", "set", "notify.webhook", "")
    ran = program("health", "test", environment={"SSL_CERT_FILE": ""})
    assert ran.code == 1
    assert "certificate that is not trusted" in ran.out
    assert mail.mails == []
    refused = program.refused("config", "set", "notify.email.password", PASSWORD)
    assert "everybody on this machine can read it" in refused and PASSWORD not in refused


def test_prometheus_reads_what_the_database_knows(
    program: Program, snow: ServiceNowSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page of a server and `casemirror metrics` say the same; a change that comes in is seen, applied and timed."""
    port = free_port()
    monkeypatch.setenv("CASEMIRROR_METRICS", f"127.0.0.1:{port}")
    snow.create("incident", short_description="Printer on fire")
    server = Server(program.home).start()
    try:
        eventually(lambda: program.good("incident", "list", "--json").json, what="the fetch")
        before = scraped(port)
        ticket = program.good("incident", "list", "--json").json[0]["dbotMirrorId"]
        snow.update(ticket, short_description="Printer burnt down")
        applied = "casemirror_changes_applied_total"
        was = value(before, applied, instance="snow")
        eventually(lambda: value(scraped(port), applied, instance="snow") > was, what="the change")
        page = scraped(port)
        assert value(page, "casemirror_changes_seen_total", instance="snow") >= 1
        assert value(page, "casemirror_inbound_lag_seconds_count", instance="snow") >= 1
        assert value(page, "casemirror_instance_health", instance="snow", state="ok") == 1
        assert value(page, "casemirror_workers") == 1
        assert requests.get(f"http://127.0.0.1:{port}/", timeout=10).status_code == 404
        assert server.stop() == 0
    finally:
        server.end()
    printed = {f.name: f for f in text_string_to_metric_families(program.good("metrics").out)}
    assert printed.keys() == page.keys()
    assert value(printed, "casemirror_workers") == 0
    assert "write it as host:port" in program.refused("serve", "--metrics", "9464")


def test_every_metric_and_state_is_documented(program: Program) -> None:
    """docs/health.md names each metric that is exported, and no other; and each state."""
    exported = {f.name for f in text_string_to_metric_families(program.good("metrics").out)}
    text = DOCS.read_text()
    documented = {re.sub(r"_total$", "", name) for name in re.findall(r"^\| `(casemirror_\w+)`", text, re.MULTILINE)}
    assert documented == exported
    assert all(f"| `{state.value}` |" in text for state in State)
