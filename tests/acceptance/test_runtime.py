"""Commands in real processes: what integrations may do to themselves, and what they cannot do to the server."""

import base64
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from casemirror.runtime import watch, wire
from casemirror.runtime.command import Code, Command, Ending, HostCalls, StagedFile
from casemirror.runtime.confinement import Confinement
from casemirror.runtime.pool import Bounds, ProcessRuntime

SRC = Path(__file__).parents[2] / "src"
OWN = str(os.geteuid())
"""Whom integrations run as when it must not be somebody else: pytest's folders are the tests' own."""
SECRET = "s3cret/pässword+1"


@pytest.fixture
def runtime(tmp_path):
    made = ProcessRuntime(tmp_path / "work")
    yield made
    made.close()
    assert list(made.folder.parent.iterdir()) == []


@pytest.fixture
def open_runtime(tmp_path):
    """Without Landlock, as on kernels that lack it: children may signal what their user may signal."""
    made = ProcessRuntime(tmp_path / "work", confinement=Confinement(landlock=False))
    yield made
    made.close()


def command(source, name="some-command", key="", **more):
    text = textwrap.dedent(source)
    modules = more.pop("modules", {})
    return Command(code=Code(key=key or text, name="Integration", source=text, modules=modules), name=name, **more)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def until(condition):
    """Wait for something that another process does; 20 s at most."""
    last = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < last, "it did not happen"
        time.sleep(0.01)


class TestAnswers:
    def test_results_are_the_answer_and_prints_are_the_log(self, runtime):
        """MIR-029."""
        reply = runtime.run(
            command(
                """
                import sys, os
                print("to stdout")
                print("to stderr", file=sys.stderr)
                os.system("echo from a program")
                demisto.debug("dbg")
                demisto.results({"a": 1})
                demisto.results("R1")
                """
            )
        )
        assert (reply.ending, reply.results, reply.error) == (Ending.NORMAL, ({"a": 1}, "R1"), "")
        assert set(reply.log) == {"stdout: to stdout", "stderr: to stderr", "stdout: from a program", "debug: dbg"}
        assert reply.folder is None

    @pytest.mark.parametrize("end", ["sys.exit(0)", "sys.exit(1)", "sys.exit('text')", "raise SystemExit"])
    def test_an_exit_is_a_normal_end(self, runtime, end):
        """§1.1.5."""
        reply = runtime.run(command(f"import sys\ndemisto.results('x')\n{end}\n"))
        assert (reply.ending, reply.results, reply.error) == (Ending.NORMAL, ("x",), "")

    def test_an_exception_is_told_with_the_integrations_own_frames(self, runtime):
        """§1.1.6: right line numbers, no frame of ours."""
        reply = runtime.run(
            command(
                """
                import json
                def main():
                    json.loads("{")  # the line at fault
                demisto.setLastRun({"moved": True})
                main()
                """
            )
        )
        assert reply.ending is Ending.RAISED
        assert reply.last_run is None
        assert 'File "<Integration>", line 4, in main\n    json.loads("{")  # the line at fault' in reply.error
        assert reply.error.rstrip().splitlines()[-1].startswith("json.decoder.JSONDecodeError")
        assert reply.error.count("File ") == 2

    def test_a_cause_is_told_too(self, runtime):
        """The first exception is often the one that says why."""
        reply = runtime.run(
            command("try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise KeyError('k') from e\n")
        )
        assert "ZeroDivisionError" in reply.error
        assert reply.error.rstrip().endswith("KeyError: 'k'")

    def test_staged_runs_come_back_with_the_end(self, runtime):
        """MIR-037, MIR-203."""
        reply = runtime.run(
            command(
                """
                import datetime
                demisto.setLastRun({"n": demisto.getLastRun()["n"] + 1})
                demisto.setLastMirrorRun({"at": datetime.datetime(2024, 1, 2)})
                demisto.incidents([{"name": "a"}])
                demisto.incidents([{"name": "b"}])
                demisto.updateModuleHealth("fine")
                """,
                last_run={"n": 1},
            )
        )
        assert (reply.last_run, reply.last_mirror_run) == ({"n": 2}, {"at": "2024-01-02T00:00:00"})
        assert reply.incidents == ({"name": "a"}, {"name": "b"})
        assert reply.health == "fine"

    def test_nothing_and_garbage_are_answers(self, runtime):
        """They are read by `wire`; here nothing may break."""
        assert runtime.run(command("pass")).results == ()
        reply = runtime.run(
            command("demisto.results({('a', 1): {object, float('nan')}, 'x': float('inf'), 's': '\\ud800'})")
        )
        assert reply.ending is Ending.NORMAL
        assert (reply.results[0]["x"], reply.results[0]["s"]) == (None, "?")

    def test_large_answers_arrive(self, runtime):
        """50 MB and more are legal."""
        reply = runtime.run(command("demisto.results('ä' * 30_000_000)"))
        assert len(reply.results[0]) == 30_000_000

    def test_an_answer_beyond_all_bounds_ends_the_command(self, tmp_path):
        """A child must not fill the server's memory."""
        runtime = ProcessRuntime(tmp_path, bounds=Bounds(answer_bytes=1 << 20))
        reply = runtime.run(command("while True:\n    demisto.results('x' * 100_000)\n"))
        runtime.close()
        assert reply.ending is Ending.DIED
        assert "more than it may" in reply.error

    @pytest.mark.parametrize(
        "guard",
        [
            '__name__ in ("__main__", "__builtin__", "builtins")',
            '__name__ in ["__builtin__", "builtins"]',
            '__name__ in ("builtin", "builtins")',
            '__name__ in ("__builtin__", "__main__")',
            '__name__ == "__main__"',
            '__name__ == "builtins"',
            '"builtins" == __name__',
            'not (__name__ != "builtins")',
            'not (__name__ != "__main__")',
            '__name__ == "__main__" and __name__ != "other"',
        ],
    )
    def test_every_guard_lets_main_run(self, runtime, guard):
        """MIR-027; content.md §1.7, 2."""
        assert runtime.run(command(f"if {guard}:\n    demisto.results('ran')\n")).results == ("ran",)

    def test_the_namespace_is_a_real_module(self, runtime):
        """Pickle and dataclasses look classes up by their module's name."""
        reply = runtime.run(
            command(
                """
                import dataclasses, pickle, sys
                @dataclasses.dataclass
                class A:
                    n: "int" = 1
                demisto.results(pickle.loads(pickle.dumps(A(5))).n)
                demisto.results(sys.modules[__name__].A is A)
                """
            )
        )
        assert reply.results == (5, True)

    def test_parameters_stand_before_the_first_line(self, runtime):
        """MIR-028: also for modules that came with the integration."""
        reply = runtime.run(
            command(
                """
                from SomeApiModule import *
                import CommonServerUserPython
                URL = demisto.params()["url"]
                demisto.results([URL, FROM_MODULE, demisto.integrationInstance(), demisto.command()])
                """,
                params={"url": "u"},
                instance="snow",
                modules={
                    "SomeApiModule": "import demistomock as demisto\nFROM_MODULE = demisto.getParam('url') + '!'\n"
                },
            )
        )
        assert reply.results == (["u", "u!", "snow", "some-command"],)

    def test_common_server_python_is_there_with_and_without_import(self, runtime):
        """content.md §1.7, 3; MIR-032, MIR-204."""
        body = """
            return_results(CommandResults(readable_output="hi"))
            demisto.results(get_last_mirror_run())
            support_multithreading()
            demisto.results(argToList("a,b"))
            register_module_line("X", "start", __line__())
            return_error("API rate limit")
        """
        for head in (
            "",
            "import demistomock as demisto\nfrom CommonServerPython import *\nfrom CommonServerUserPython import *\n",
        ):
            reply = runtime.run(command(head + textwrap.dedent(body), name="update-remote-system"))
            assert reply.error == ""
            assert reply.results[0]["HumanReadable"] == "hi"
            assert reply.results[1:3] == ({}, ["a", "b"])
            assert wire.error_text(reply) == "API rate limit"

    def test_a_shipped_api_module_is_importable(self, runtime):
        """Integrations import it by name when it was not glued in."""
        reply = runtime.run(command("from ServiceNowApiModule import *\ndemisto.results(callable(ServiceNowClient))"))
        assert reply.results == (True,)

    def test_our_modules_do_not_hide_libraries(self, runtime):
        """An integration that imports a library named `limits` must not get ours."""
        reply = runtime.run(
            command("import sys\ndemisto.results([n for n in ('limits', 'child', 'channel') if n in sys.modules])")
        )
        assert reply.results == ([],)

    @pytest.mark.parametrize(
        ("source", "words"),
        [
            ("import no_such_library_x.y", ["ModuleNotFoundError", "no_such_library_x"]),
            ("def f(:\n", ["SyntaxError", "line 1"]),
            ("print 'x'\n", ["Python 2"]),
        ],
    )
    def test_code_that_cannot_load_says_why(self, runtime, source, words):
        """MIR-020."""
        reply = runtime.run(command(source))
        assert reply.ending is Ending.RAISED
        assert [word for word in words if word not in reply.error] == []

    def test_an_interpreter_that_is_not_there_is_named(self, runtime):
        """The reply says it; nothing is raised."""
        wanted = command("pass")
        reply = runtime.run(replace(wanted, code=replace(wanted.code, python="/no/such/python")))
        assert reply.ending is Ending.DIED
        assert "/no/such/python" in reply.error


class TestMisbehaviour:
    def test_a_hanging_command_is_killed_with_all_it_started(self, runtime):
        """MIR-033; also what left the process group."""
        reply = runtime.run(command(_FORKS + "time.sleep(600)", timeout_s=1.5))
        assert reply.ending is Ending.TIMED_OUT
        assert len(reply.results) == 4
        assert [pid for pid in reply.results if is_running(pid)] == []

    def test_nothing_outlives_a_command_that_ended_well(self, runtime):
        """Forked helpers, even those that made a session of their own."""
        reply = runtime.run(command(_FORKS))
        assert reply.ending is Ending.NORMAL
        assert [pid for pid in reply.results if is_running(pid)] == []

    def test_a_busy_loop_is_killed(self, runtime):
        """No cooperation is needed."""
        source = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True:\n    try:\n        while True: pass\n    except BaseException: pass\n"
        assert runtime.run(command(source, timeout_s=0.5)).ending is Ending.TIMED_OUT

    def test_memory_is_bounded(self, runtime):
        """It fails inside the integration, and the next command is fine."""
        hungry = command("x = []\nwhile True:\n    x.append(bytearray(10_000_000))\n", memory_bytes=512 << 20)
        assert "MemoryError" in runtime.run(hungry).error
        assert runtime.run(command("demisto.results(1)")).results == (1,)

    @pytest.mark.parametrize(
        ("end", "words"),
        [
            ("os._exit(3)", "exit code 3"),
            ("os.kill(os.getpid(), 9)", "SIGKILL"),
            ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ],
    )
    def test_a_death_is_told_with_its_cause_and_last_words(self, runtime, end, words):
        """§1.1.7."""
        reply = runtime.run(command(f"import os\ndemisto.info('last words')\nprint('printed')\n{end}\n"))
        assert reply.ending is Ending.DIED
        assert words in reply.error
        assert {"info: last words", "stdout: printed"} <= set(reply.log)

    def test_a_flood_of_prints_is_cut(self, runtime):
        """100 MB on stdout neither fail the command nor fill the server."""
        source = "for _ in range(100):\n    print('x' * 1_000_000)\nprint('end')\ndemisto.results('ok')\n"
        reply = runtime.run(command(source))
        assert reply.results == ("ok",)
        assert reply.log[-1] == "stdout: end"
        assert sum(map(len, reply.log)) < 1_000_000

    def test_a_flood_of_log_lines_keeps_both_ends(self, runtime):
        """2,000 lines are kept."""
        reply = runtime.run(command("for n in range(5000):\n    demisto.debug(n)\n"))
        assert len(reply.log) <= 2001
        assert (reply.log[0], reply.log[-1]) == ("debug: 0", "debug: 4999")
        assert any("3000 lines left out" in line for line in reply.log)

    def test_closed_and_replaced_streams_do_no_harm(self, runtime):
        """stdout, stderr and all other descriptors belong to the integration."""
        reply = runtime.run(
            command("import sys\nsys.stdout.close()\nsys.stderr = None\nsys.stdin.read()\ndemisto.results(1)\n")
        )
        assert (reply.ending, reply.results) == (Ending.NORMAL, (1,))

    def test_an_integration_that_kills_its_parent_dies_alone(self, open_runtime):
        """The next command gets a new parent."""
        killer = command(
            "import os\nif demisto.args().get('kill'):\n    os.kill(os.getppid(), 9)\n    import time; time.sleep(600)\ndemisto.results(1)\n"
        )
        assert open_runtime.run(replace(killer, args={"kill": True})).ending is Ending.DIED
        assert open_runtime.run(killer).results == (1,)
        assert open_runtime.started_parents == 2

    def test_a_stopped_parent_is_replaced(self, open_runtime):
        """Even a parent that cannot obey any more does not keep a command alive."""
        source = "import os, signal, time\nif demisto.args():\n    demisto.results(os.getpid())\n    os.kill(os.getppid(), signal.SIGSTOP)\n    time.sleep(600)\ndemisto.results(1)\n"
        stopper = command(source, timeout_s=0.5)
        reply = open_runtime.run(replace(stopper, args={"stop": True}))
        assert reply.ending is Ending.TIMED_OUT
        until(lambda: not is_running(reply.results[0]))
        assert open_runtime.run(replace(stopper, timeout_s=60)).results == (1,)

    def test_a_forked_copy_cannot_talk_to_the_server(self, runtime):
        """It shares the socket; its words would be mixed into the command's."""
        source = """
            import os
            if os.fork() == 0:
                demisto.results("from the copy")
                os._exit(0)
            os.wait()
            demisto.results("from the command")
        """
        assert runtime.run(command(source)).results == ("from the command",)


_FORKS = textwrap.dedent(
    """
    import os, subprocess, sys, time
    demisto.results(subprocess.Popen(["sleep", "600"]).pid)
    demisto.results(subprocess.Popen(["sleep", "600"], start_new_session=True).pid)
    pid = os.fork()
    if pid == 0:
        time.sleep(600)
    demisto.results(pid)
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        orphan = os.fork()
        if orphan == 0:
            time.sleep(600)
        os.write(write, str(orphan).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    demisto.results(int(os.read(read, 100)))
    """
)


class TestConfinement:
    def test_the_environment_is_clean(self, tmp_path, monkeypatch):
        """Design §4; proxies only when they are given."""
        monkeypatch.setenv("SERVER_SECRET", "x")
        runtime = ProcessRuntime(tmp_path, environment={"HTTPS_PROXY": "http://p:1"})
        reply = runtime.run(
            command(
                """
                import os, time
                demisto.results(dict(os.environ))
                demisto.results([os.getcwd(), oct(os.stat(".").st_mode & 0o777), time.tzname[0]])
                """
            )
        )
        runtime.close()
        environment, (folder, mode, zone) = reply.results
        assert set(environment) == {"PATH", "HOME", "TMPDIR", "LANG", "TZ", "MALLOC_ARENA_MAX", "HTTPS_PROXY"}
        assert environment["HOME"] == environment["TMPDIR"] == folder
        assert (mode, zone) == ("0o700", "UTC")

    def test_limits_and_privileges_are_set(self, runtime):
        """Design §4."""
        reply = runtime.run(
            command(
                """
                import resource
                status = dict(line.split(":", 1) for line in open("/proc/self/status"))
                demisto.results(status["NoNewPrivs"].strip())
                demisto.results([resource.getrlimit(n)[0] for n in (resource.RLIMIT_CORE, resource.RLIMIT_AS, resource.RLIMIT_NOFILE)])
                """,
                memory_bytes=1 << 30,
            )
        )
        assert reply.results == ("1", [0, 1 << 30, 1024])

    def test_no_descriptor_is_inherited(self, runtime):
        """Neither the parent's nor another command's socket, and nothing at all for programs it starts."""
        reply = runtime.run(
            command(
                """
                import os, subprocess, sys
                demisto.results([os.readlink(f"/proc/self/fd/{n}").split(":")[0] for n in os.listdir("/proc/self/fd") if int(n) > 2 and os.path.exists(f"/proc/self/fd/{n}")])
                code = "import os; print(sorted(os.listdir('/proc/self/fd')))"
                demisto.results(subprocess.run([sys.executable, "-c", code], capture_output=True, close_fds=False, text=True).stdout.strip())
                """
            )
        )
        assert reply.results == (["socket"], "['0', '1', '2', '3']"), "3 is the listing's own"

    def test_secrets_are_masked_in_what_people_see(self, runtime):
        """MIR-194: in logs, errors and error entries, plain and encoded; results stay true."""
        reply = runtime.run(
            command(
                """
                import base64, sys, urllib.parse
                secret = demisto.params()["password"]
                demisto.debug("plain", secret, urllib.parse.quote(secret, safe=""), base64.b64encode(secret.encode()))
                demisto.debug("Basic", base64.b64encode(("user:" + secret).encode()))
                print(secret, file=sys.stderr)
                demisto.results({"token": secret})
                demisto.results({"Type": 4, "Contents": "denied for " + secret, "ContentsFormat": "text"})
                raise ValueError("bad " + secret)
                """,
                params={"password": SECRET},
                secrets=(SECRET, "abc"),
            )
        )
        seen = "\n".join([*reply.log, reply.error, reply.results[1]["Contents"]])
        assert SECRET not in seen
        assert base64.b64encode(SECRET.encode()).decode().rstrip("=")[:-2] not in seen
        assert base64.b64encode(b"user:" + SECRET.encode()).decode()[8:-4] not in seen
        assert "ValueError: bad <secret>" in reply.error
        assert reply.results[0] == {"token": SECRET}

    def test_secrets_are_in_no_environment_and_on_no_command_line(self, runtime):
        """Design §4: they come over the socket only. A file that even we may not read shows them to nobody."""
        seen = []

        def look(by):
            for pid in by["username"].split():
                seen.extend(read(f"/proc/{pid}/environ") + read(f"/proc/{pid}/cmdline"))
            return {}

        def read(path):
            try:
                return [Path(path).read_text()]
            except PermissionError:
                return []

        source = "import os\ndemisto.findUser(username=f'{os.getpid()} {os.getppid()}')\n"
        runtime.run(command(source, params={"p": "hunter2222"}, host=HostCalls(find_user=look)))
        assert len(seen) >= 2
        assert not [text for text in seen if "hunter2222" in text]


class TestHostCalls:
    def test_files_come_and_go(self, runtime, tmp_path):
        """MIR-056, MIR-169, MIR-170: staged ones, asked ones, unknown ones, and what fileResult writes."""
        for name in ("staged", "asked"):
            (tmp_path / name).write_text(name)
        asked = StagedFile(entry_id="2@7", name="asked.txt", path=tmp_path / "asked")
        reply = runtime.run(
            command(
                """
                for entry in ("1@7", "2@7", "3@7"):
                    try:
                        file = demisto.getFilePath(entry)
                        with open(file["path"], "r+") as opened:
                            demisto.results([file["id"], file["name"], opened.read()])
                            opened.write("changed")
                    except ValueError as error:
                        demisto.results(str(error))
                demisto.results([{"a": 1}, {**fileResult("out.txt", "bytes"), "Tags": ["t"], "Note": True}])
                """,
                files=(StagedFile(entry_id="1@7", name="staged.txt", path=tmp_path / "staged"),),
                host=HostCalls(get_file=lambda entry: asked if entry == "2@7" else None),
                investigation={"id": "7"},
            )
        )
        assert reply.results[:2] == (["1@7", "staged.txt", "staged"], ["2@7", "asked.txt", "asked"])
        assert "3@7" in reply.results[2]
        assert (tmp_path / "staged").read_text() == "staged", "the store's file must not change"
        (entry,) = wire.parse_pull(replace(reply, results=reply.results[3:])).entries
        assert (entry.file_name, entry.tags, entry.note) == ("out.txt", ("t",), True)
        assert Path(entry.file_path).read_text() == "bytes"
        reply.discard()
        assert not Path(entry.file_path).exists()

    def test_a_staged_file_that_is_gone_is_a_value_error(self, runtime, tmp_path):
        """§7, 46: the command goes on without it."""
        reply = runtime.run(
            command(
                "try:\n    demisto.getFilePath('1@7')\nexcept ValueError:\n    demisto.results('gone')\n",
                files=(StagedFile(entry_id="1@7", name="x", path=tmp_path / "absent"),),
            )
        )
        assert reply.results == ("gone",)
        assert any("cannot be given" in line for line in reply.log)

    def test_the_context_is_versioned(self, runtime):
        """MIR-199, MIR-200."""
        stored = {"context": {"n": 0}, "version": 1}

        def write(context, version):
            if version not in (-1, stored["version"]):
                raise ValueError(f"stale: {version}")
            stored.update(context=context, version=stored["version"] + 1)
            return stored["version"]

        host = HostCalls(set_context=write, get_context=lambda: (stored["context"], stored["version"]))
        source = """
            seen = demisto.getIntegrationContextVersioned(True)
            demisto.setIntegrationContextVersioned({"n": 1}, seen["version"])
            try:
                demisto.setIntegrationContextVersioned({"n": 2}, seen["version"])
            except ValueError as error:
                demisto.results(str(error))
            set_to_integration_context_with_retries({"k": [1]})
            demisto.results(get_integration_context())
            demisto.setIntegrationContext({**get_integration_context(), "last": 1})
        """
        reply = runtime.run(command(source, host=host, context={"n": 0}, context_version=1))
        assert reply.results == ("stale: 1", {"n": 1, "k": "[1]"})
        assert stored == {"context": {"n": 1, "k": "[1]", "last": 1}, "version": 4}

    def test_without_a_keeper_the_context_lives_as_long_as_the_run(self, runtime):
        """Tests of an instance change nothing (§1.3)."""
        source = "demisto.setIntegrationContext({'n': 1})\ndemisto.results(demisto.getIntegrationContext())\n"
        assert runtime.run(command(source, context={"n": 0})).results == ({"n": 1},)

    def test_users_and_incidents(self, runtime):
        """MIR-044, MIR-196."""
        created = []
        host = HostCalls(
            find_user=lambda by: {"username": "bob"} if by == {"email": "b@x"} else {},
            create_incidents=lambda found, last_run, folder: (
                created.append((found, last_run, folder.is_dir())) or [{"id": "1"}]
            ),
        )
        source = """
            demisto.results([demisto.findUser(email="b@x"), demisto.findUser(username="nobody")])
            demisto.results(demisto.createIncidents([{"name": "n"}], lastRun={"a": 1}))
        """
        assert runtime.run(command(source, host=host)).results == ([{"username": "bob"}, {}], [{"id": "1"}])
        assert created == [([{"name": "n"}], {"a": 1}, True)]

    def test_an_error_of_the_caller_is_the_callers(self, runtime):
        """A broken store is no fault of the integration; the child is gone all the same."""
        pids = []

        def broken(by):
            pids.append(int(by["username"]))
            raise ZeroDivisionError

        source = "import os\ndemisto.findUser(username=str(os.getpid()))\n"
        with pytest.raises(ZeroDivisionError):
            runtime.run(command(source, host=HostCalls(find_user=broken)))
        assert not is_running(pids[0])


class TestParents:
    def test_one_parent_serves_many_commands(self, runtime):
        """Design §4: a command costs a fork; every run starts from the same state."""
        source = "import json\njson.n = getattr(json, 'n', 0) + 1\ndemisto.results(json.n)\n"
        assert [runtime.run(command(source)).results for _ in range(5)] == [(1,)] * 5
        assert runtime.started_parents == 1
        assert list(runtime.parents()) == [source]

    def test_a_child_stands_by_for_the_next_command(self, runtime):
        """It serves that command, whether it lives or not, and leaves with its parent."""

        def spare():
            (parent,) = runtime.parents().values()
            return next((pid for pid in watch.tree(parent) if pid != parent and is_running(pid)), None)

        wanted = command("import os\ndemisto.results(os.getpid())", key="k")
        runtime.run(wanted)
        until(spare)
        first = spare()
        assert runtime.run(wanted).results == (first,)
        until(lambda: spare() not in (None, first))
        killed = spare()
        os.kill(killed, signal.SIGKILL)
        (pid,) = runtime.run(wanted).results
        assert pid != killed
        until(spare)
        last = spare()
        runtime.close()
        until(lambda: not is_running(last))

    def test_eight_commands_run_at_once(self, runtime):
        """Each waits inside a host call until all eight are there."""
        meeting = threading.Barrier(8, timeout=60)
        host = HostCalls(find_user=lambda by: {"n": by["username"], "met": meeting.wait() >= 0})
        replies = {}

        def one(n):
            source = "demisto.results(demisto.findUser(username=demisto.args()['n']))"
            replies[n] = runtime.run(command(source, host=host, args={"n": str(n)}))

        threads = [threading.Thread(target=one, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {n: reply.results for n, reply in replies.items()} == {
            n: ({"n": str(n), "met": True},) for n in range(8)
        }
        assert runtime.started_parents == 1

    def test_a_parent_killed_in_the_middle_takes_its_child_along(self, runtime):
        """kill -9: the reply says so, and the next run starts another one."""
        pids = []

        def kill(by):
            pids.append(int(by["username"]))
            os.kill(runtime.parents()["k"], signal.SIGKILL)
            return {}

        source = "import os\nif demisto.args():\n    demisto.findUser(username=str(os.getpid()))\n    import time; time.sleep(600)\ndemisto.results(1)\n"
        reply = runtime.run(command(source, key="k", args={"a": 1}, host=HostCalls(find_user=kill)))
        assert reply.ending is Ending.DIED
        until(lambda: not is_running(pids[0]))
        assert runtime.run(command(source, key="k")).results == (1,)
        assert runtime.started_parents == 2

    def test_an_idle_parent_leaves_and_is_started_again(self, tmp_path):
        """Design §4."""
        runtime = ProcessRuntime(tmp_path, idle_s=0.1)
        wanted = command("demisto.results(1)")
        assert runtime.run(wanted).results == (1,)
        until(lambda: not runtime.parents())
        assert runtime.run(wanted).results == (1,)
        runtime.close()
        assert runtime.started_parents == 2

    def test_a_library_that_starts_a_thread_is_left_to_the_child(self, runtime, tmp_path):
        """A process with threads must not fork (libraries.md §5)."""
        (tmp_path / "threaded_library.py").write_text(
            "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\nNAME = 'it'\n"
        )
        python = tmp_path / "python"
        start = f"import runpy, sys; sys.argv = sys.argv[1:]; sys.path.append({str(tmp_path)!r}); runpy.run_path(sys.argv[0], run_name='__main__')"
        python.write_text(f'#!/bin/sh\nshift 3\nexec {sys.executable} -I -X utf8 -c "{start}" "$@"\n')
        python.chmod(0o700)
        wanted = command("import threaded_library\ndemisto.results(threaded_library.NAME)")
        wanted = replace(wanted, code=replace(wanted.code, python=str(python)))
        replies = [runtime.run(wanted) for _ in range(2)]
        assert [(reply.results, reply.error) for reply in replies] == [(("it",), "")] * 2
        assert runtime.started_parents == 2

    def test_a_killed_server_leaves_nothing_behind(self, tmp_path):
        """The parent notices, kills its children and leaves; the folders go when the next server starts."""
        script = f"""
import sys
from pathlib import Path
from casemirror.runtime.command import Code, Command
from casemirror.runtime.confinement import Confinement
from casemirror.runtime.pool import ProcessRuntime
source = '''
import os, subprocess, time
sleeper = subprocess.Popen(["sleep", "600"], start_new_session=True)
open({str(tmp_path / "pids.new")!r}, "w").write(f"{{os.getpid()}} {{os.getppid()}} {{sleeper.pid}}")
os.rename({str(tmp_path / "pids.new")!r}, {str(tmp_path / "pids")!r})
time.sleep(600)
'''
runtime = ProcessRuntime(Path({str(tmp_path / "work")!r}), confinement=Confinement(user={OWN!r}, write=({str(tmp_path)!r},)))
runtime.run(Command(code=Code(key="k", name="I", source=source), name="c"))
"""
        server = subprocess.Popen(
            [sys.executable, "-c", script], env={"PYTHONPATH": str(SRC), "PATH": os.environ["PATH"]}
        )
        until((tmp_path / "pids").exists)
        pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
        assert [pid for pid in pids if is_running(pid)] == pids
        (left,) = (tmp_path / "work").iterdir()

        alive = ProcessRuntime(tmp_path / "work", confinement=Confinement(user=OWN))
        assert left.exists(), "a running server's folder is not touched"
        alive.close()

        server.kill()
        server.wait()
        until(lambda: not any(map(is_running, pids)))
        (tmp_path / "work" / "not ours").mkdir()
        ProcessRuntime(tmp_path / "work", confinement=Confinement(user=OWN)).close()
        assert [found.name for found in (tmp_path / "work").iterdir()] == ["not ours"]


class TestRequests:
    """HTTP requests are counted where they are made; budgets live on it."""

    @pytest.mark.parametrize(
        ("code", "made"),
        [
            ("pass", 0),
            ("import requests\nfor _ in range(3): requests.get(URL)", 3),
            ("import requests\nwith requests.Session() as s:\n    s.get(URL); s.post(URL, data=b'x' * 100_000)", 2),
            ("import urllib.request\nurllib.request.urlopen(URL).read()", 1),
            ("import http.client\nc = http.client.HTTPConnection(URL[7:])\nc.request('GET', '/'); c.getresponse().read()\nc.request('PUT', '/', body='GET me')", 2),
            ("BaseClient(base_url=URL, verify=False)._http_request('GET', '/', resp_type='response')", 1),
        ],
        ids=["none", "requests", "session", "urllib", "http.client", "BaseClient"],
    )  # fmt: skip
    def test_each_is_counted_once(self, runtime, code, made):
        class Answers(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_POST = do_PUT = do_GET

            def log_message(self, *_):
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            source = f"from CommonServerPython import *\nURL = 'http://127.0.0.1:{server.server_port}'\n{code}"
            reply = runtime.run(command(source))
            server.shutdown()
        assert (reply.error, reply.requests) == ("", made)

    def test_who_died_cannot_say(self, runtime):
        assert runtime.run(command("import os\nos._exit(3)")).requests is None
