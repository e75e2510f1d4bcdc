"""Hostile integrations in real processes: what they cannot read, write, signal or reach, whoever casemirror runs as.

As root the integrations run as `nobody`; as an ordinary user they run as that user, and Landlock keeps them apart.
"""

import ctypes
import errno
import json
import math
import os
import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from casemirror.runtime import watch
from casemirror.runtime.command import HostCalls, StagedFile
from casemirror.runtime.confinement import SHARED_FOLDER, Confinement, User, reaches
from casemirror.runtime.pool import Bounds, ProcessRuntime
from support.hostile import attacked, command, succeeded

SRC = Path(__file__).parents[2] / "src"
SYSTEM_PYTHON = Path("/usr/bin/python3")
NOBODY = User(name="nobody", uid=65534, gid=65534)
IS_ROOT = os.geteuid() == 0

ABI = max(ctypes.CDLL(None).syscall(444, None, 0, 1), 0)
"""Version of Landlock that this kernel has."""

needs_landlock = pytest.mark.skipif(ABI < 1, reason="this kernel has no Landlock")
needs_scopes = pytest.mark.skipif(ABI < 6, reason="this kernel's Landlock cannot keep signals in (it needs version 6)")
needs_ports = pytest.mark.skipif(ABI < 4, reason="this kernel's Landlock knows no ports (it needs version 4)")
needs_two_users = pytest.mark.skipif(
    not IS_ROOT or not all(reaches(NOBODY, path) for path in (SYSTEM_PYTHON, SRC)),
    reason="only root can run integrations as another user, who must be able to read Python and the source",
)


@needs_landlock
@needs_scopes
def test_a_hostile_integration_gets_nowhere(tmp_path):
    """Design §4: neither database, key, server, warm process nor another instance's command and its files."""
    runtime = ProcessRuntime(tmp_path / "home" / "work", confinement=Confinement(private=(tmp_path / "home",)))
    (tmp_path / "home").mkdir(exist_ok=True)
    said, (uid, _, _) = attacked(runtime, tmp_path / "home", open_to_all=True)
    runtime.close()
    assert succeeded(said) == {}
    assert not Path(f"/tmp/casemirror-was-here-{os.getpid()}").exists()
    assert uid in (os.geteuid(), 65534), "his own user, or nobody where he can read this Python"


@needs_two_users
@pytest.mark.parametrize("landlock", [True, False])
def test_as_root_integrations_run_as_nobody(tmp_path, landlock):
    """What belongs to root stays root's, also on a kernel without Landlock; files are handed over and back all the same."""
    home = tmp_path / "home"
    confinement = Confinement(private=(home,), landlock=landlock and ABI > 0)
    runtime = ProcessRuntime(home / "work", python=str(SYSTEM_PYTHON), confinement=confinement)
    assert runtime.folder.parent.parent == SHARED_FOLDER, "pytest's folder is root's alone: nobody could not get to his"
    home.mkdir(exist_ok=True)
    said, who = attacked(runtime, home, open_to_all=landlock)
    assert who == [65534, 65534, []]
    wrong = succeeded(said)
    if not landlock:  # parent and neighbour are nobody's, too, and a list of names is no secret
        assert {w for w in wrong if "sibling" in w or "parent" in w or "/tmp" in w or "semaphores" in w} == set(wrong)
        assert {"environ of sibling", "mem of sibling", "ptrace sibling"}.isdisjoint(wrong)
    else:
        assert {w for w in wrong if not (w == "signal sibling" and ABI < 6)} == set()
    (tmp_path / "given").write_text("given")
    (tmp_path / "given").chmod(0o600)
    reply = runtime.run(
        command(
            "p = demisto.getFilePath('1@7')['path']\nopen('out', 'w').write(open(p).read())\ndemisto.results(p)\n",
            files=(StagedFile(entry_id="1@7", name="given", path=tmp_path / "given"),),
        )
    )
    assert (reply.error, (reply.folder / "out").read_text()) == ("", "given")
    reply.discard()
    runtime.close()
    runtime.folder.parent.rmdir()
    Path(f"/tmp/casemirror-was-here-{os.getpid()}").unlink(missing_ok=True)


@needs_two_users
@needs_landlock
@needs_scopes
def test_as_an_ordinary_user_landlock_does_the_work(tmp_path):
    """The same attacks, with a server that is nobody itself: it and its integrations are one user."""
    script = """
import json, shutil, sys, tempfile
from pathlib import Path
from casemirror.runtime.confinement import Confinement
from casemirror.runtime.pool import Bounds, ProcessRuntime
from support import hostile
home = Path(tempfile.mkdtemp())
runtime = ProcessRuntime(home / "work", confinement=Confinement(private=(home,)))
said, who = hostile.attacked(runtime, home, open_to_all=True)
runtime.close()
shutil.rmtree(home)
print(json.dumps([hostile.succeeded(said), who]))
"""
    ran = subprocess.run(
        [SYSTEM_PYTHON, "-c", script],
        env={"PYTHONPATH": f"{SRC}:{SRC.parent / 'tests'}", "PYTHONDONTWRITEBYTECODE": "1"},
        cwd="/",
        user=NOBODY.uid,
        group=NOBODY.gid,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == [{}, [65534, 65534, []]]


class TestEgress:
    """The list of hosts of an instance."""

    GET = "import urllib.request\ndemisto.results(urllib.request.urlopen(demisto.args()['url'], timeout=20).status)\n"

    @pytest.fixture
    def runtime(self, tmp_path):
        made = ProcessRuntime(tmp_path)
        yield made
        made.close()

    @pytest.fixture
    def port(self):
        with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield server.server_address[1]
            server.shutdown()

    @pytest.mark.parametrize(
        "allowed", [None, ("localhost",), ("127.0.0.1:{port}", "localhost:{port}"), ("other", "localhost:{port}")]
    )
    def test_what_is_on_the_list_is_reached(self, runtime, port, allowed):
        """By its name, although the connection goes to an address; no list: everything."""
        hosts = allowed and tuple(host.format(port=port) for host in allowed)
        reply = runtime.run(command(self.GET, args={"url": f"http://localhost:{port}/"}, egress=hosts, instance="snow"))
        assert (reply.results, reply.error) == ((200,), "")

    @pytest.mark.parametrize("allowed", ["example.com", "localhost:1", "*.localhost", "127.0.0.2"])
    def test_what_is_not_is_refused_by_name(self, runtime, port, allowed):
        """The error says which host, and the command that adds it."""
        url = f"http://127.0.0.1:{port}/"
        reply = runtime.run(command(self.GET, args={"url": url}, egress=(allowed,), instance="my snow"))
        told = f"127.0.0.1:{port} is not among the hosts that my snow may reach; casemirror instance egress 'my snow' --allow"
        assert f"{told} 127.0.0.1:{port} allows it" in reply.error
        assert f"warning: {told} 127.0.0.1:{port} allows it" in reply.log

    def test_a_proxy_is_a_host(self, runtime, port):
        """What counts is whom the connection goes to."""
        source = self.GET.replace("import urllib", "import os, urllib", 1).replace(
            "demisto.results", "os.environ['http_proxy'] = demisto.args()['proxy']\ndemisto.results", 1
        )
        args = {"url": "http://elsewhere.example/", "proxy": f"http://localhost:{port}"}
        reply = runtime.run(command(source, args=args, egress=(f"localhost:{port}",), instance="snow"))
        assert (reply.results, reply.error) == ((200,), "")
        reply = runtime.run(command(source, args=args, egress=("elsewhere.example",), instance="snow"))
        assert "localhost" in reply.error and "may reach" in reply.error

    @pytest.mark.parametrize(
        "way",
        [
            "socket.gethostbyname('evil.example')",
            "socket.getaddrinfo('evil.example', 443)",
            "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
            "socket.socket(type=socket.SOCK_DGRAM).connect(('192.0.2.1', 53))",
            "socket.socket(socket.AF_UNIX).connect('/run/secret.sock')",
            "socket.socket(socket.AF_INET6).connect_ex(('2001:db8::1', 443))",
        ],
    )  # fmt: skip
    def test_all_ways_are_watched(self, runtime, way):
        """Names, datagrams, local sockets; before anything leaves the machine."""
        reply = runtime.run(command(f"import socket\n{way}\n", egress=("example.com:443",), instance="snow"))
        assert "is not among the hosts that snow may reach" in reply.error

    @needs_ports
    def test_the_kernel_refuses_other_ports_to_native_code(self, runtime, port):
        """What does not pass through Python is held to the ports of the list."""
        source = """
            import ctypes, socket, struct
            libc = ctypes.CDLL(None, use_errno=True)
            address = struct.pack("=HH4s8x", socket.AF_INET, socket.htons(demisto.args()["port"]), bytes([127, 0, 0, 1]))
            demisto.results(libc.connect(libc.socket(2, 1, 0), address, len(address)) and ctypes.get_errno())
        """
        for allowed, came in ((f"example.com:{port}", 0), ("example.com:1", errno.EACCES)):
            reply = runtime.run(command(source, args={"port": port}, egress=(allowed,), instance="snow"))
            assert reply.results == (came,), allowed

    @needs_ports
    def test_only_what_runs_long_may_listen(self, runtime):
        """A command is no server; a long-running one may be."""
        source = (
            "import socket\nsocket.socket().bind(('127.0.0.1', 0))\n"
            "try:\n    socket.socket().bind(('127.0.0.1', demisto.args()['port']))\n"
            "except PermissionError:\n    demisto.results('refused')\n"
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        assert runtime.run(command(source, args={"port": port})).results == ("refused",)
        assert runtime.run(command(source, args={"port": port}, timeout_s=math.inf)).results == ()


class Answers(BaseHTTPRequestHandler):
    """Answers 200 to everything."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


SWITCH = """
import ctypes, os, sys, time
if "bad" in demisto.args():
    exec(demisto.args()["bad"])
else:
    demisto.findUser(username="wait")
    demisto.results("fine")
"""
"""One code for the good and the bad: both are children of one warm process."""

BAD = {
    "abort": ("os.abort()", "killed by SIGABRT"),
    "fork bomb": (
        "while True:\n    try:\n        os.fork() or os.setsid()\n    except OSError:\n        pass",
        "it had more than 60 processes and threads; casemirror config set runtime.processes NUMBER allows more",
    ),
    "thread bomb": (
        "import threading\nwhile True:\n    threading.Thread(target=time.sleep, args=(600,)).start()",
        "casemirror config set runtime.processes NUMBER allows more",
    ),
    "memory hog": (
        "x = []\nwhile True:\n    x.append(b'x' * 10_000_000)",
        "may use 400000000 bytes of memory; casemirror config set runtime.memory BYTES allows more",
    ),
    "many memory hogs": (
        "for _ in range(5):\n    if os.fork() == 0:\n        x = b'x' * 120_000_000\n        time.sleep(600)\ntime.sleep(600)",
        "its processes took more than 400000000 bytes of memory together; casemirror config set runtime.memory BYTES",
    ),
    "large file": (
        "f = open('large', 'wb')\nwhile True:\n    f.write(b'x' * 1_000_000)",
        "may write 30000000 bytes; casemirror config set runtime.disk BYTES allows more",
    ),
    "many files": (
        "n = 0\nwhile True:\n    n += 1\n    open(f'{n}', 'wb').write(b'x' * 100_000)",
        "it wrote more than 30000000 bytes into its folder; casemirror config set runtime.disk BYTES allows more",
    ),
    "endless output": ("while True:\n    print('x' * 100_000)", "may write 30000000 bytes; casemirror config set runtime.disk"),
    "busy": ("while True:\n    pass", "took longer than 1 s and was killed; casemirror config set mirror.command.timeout"),
    "closed connection": ("os.closerange(3, 1000)\ntime.sleep(600)", "closed its connection to the server and was killed"),
    "garbage": (
        "for n in range(3, 20):\n    try:\n        os.write(n, b'\\xff' * 1000)\n    except OSError:\n        pass\ntime.sleep(600)",
        "answered more than it may",
    ),
    "garbage that fits": (
        "for n in range(3, 20):\n    try:\n        os.write(n, b'\\0\\0\\0\\4oops')\n    except OSError:\n        pass\ntime.sleep(600)",
        "not readable",
    ),
    "too many files open": ("f = [open('/dev/null') for _ in range(2000)]", "Too many open files"),
    "writes elsewhere": ("open('/var/tmp/x', 'w')", "casemirror config set runtime.read (or runtime.write) PATHS allows more"),
}  # fmt: skip


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """With narrow bounds; as nobody where that can be, since the kernel does not count root's processes."""
    python = {"python": str(SYSTEM_PYTHON)} if IS_ROOT and reaches(NOBODY, SYSTEM_PYTHON) else {}
    bounds = Bounds(file_bytes=30_000_000, processes=60)
    made = ProcessRuntime(tmp_path_factory.mktemp("work"), bounds=bounds, **python)
    yield made
    folder = made.folder
    made.close()
    assert not folder.exists()
    folder.parent.rmdir()


class TestNeighbours:
    """Whatever one command does to itself, no other one notices: not in another warm process, and not in its own."""

    @pytest.mark.parametrize("kind", BAD)
    def test_a_bad_command_harms_nobody(self, narrow, kind):
        """It is told which limit it met and how to raise that; its neighbours, who wait meanwhile, end well."""
        if kind == "writes elsewhere" and not ABI:
            pytest.skip("this kernel has no Landlock")
        if kind == "fork bomb" and IS_ROOT and not reaches(NOBODY, SYSTEM_PYTHON):
            pytest.skip("the kernel does not count root's processes, and nobody can read Python here")
        code, words = BAD[kind]
        over, replies = threading.Event(), {}
        waiting = threading.Barrier(3, timeout=60)

        def good(key):
            host = HostCalls(find_user=lambda by: {"met": waiting.wait() >= 0 and over.wait(60)})
            replies[key] = narrow.run(command(SWITCH, key=key, host=host, timeout_s=100))

        threads = [threading.Thread(target=good, args=(key,)) for key in ("one", "other")]
        for thread in threads:
            thread.start()
        waiting.wait()
        bad = narrow.run(
            command(
                SWITCH, key="one", args={"bad": code}, timeout_s=1 if kind == "busy" else 60, memory_bytes=400_000_000
            )
        )
        bad.discard()
        over.set()
        for thread in threads:
            thread.join()
        assert [(replies[k].results, replies[k].error) for k in ("one", "other")] == [(("fine",), "")] * 2
        assert words in bad.error
        assert len(bad.error) < 10_000
        assert set(narrow.parents()) == {"one", "other"} and narrow.started_parents == 2
        # of each warm process one child stands by for the next command
        assert all(len(list(watch.tree(parent))) <= 2 for parent in narrow.parents().values())
