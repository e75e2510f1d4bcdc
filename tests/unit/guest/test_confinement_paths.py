"""What a process may read: the interpreter wherever it lies, never what is private."""

import os
import sys

import pytest
from confinement import Confinement, _wide, readable


def is_within(path, folder):
    return os.path.realpath(path) == folder or os.path.realpath(path).startswith(folder.rstrip("/") + "/")


def test_the_interpreter_and_its_packages_are_readable():
    """By `sys.prefix` and `sys.path`, not by fixed places."""
    found = [os.path.realpath(path) for path in readable([], [])]
    for wanted in (sys.prefix, sys.base_prefix, *sys.path):
        if wanted.startswith("/") and os.path.exists(wanted):
            assert any(is_within(wanted, folder) for folder in found), wanted


def test_what_is_private_is_cut_out_of_what_lies_around_it(tmp_path):
    """Siblings stay readable, at every level; an environment inside the home is no way to the rest of it."""
    home, environment = tmp_path / "around" / "home", tmp_path / "around" / "home" / "environments" / "e"
    environment.mkdir(parents=True)
    for beside in (tmp_path / "beside", tmp_path / "around" / "beside"):
        beside.write_text("")
    (home / "key").write_text("")
    found = {
        path for path in readable([str(tmp_path), str(environment)], [str(home)]) if is_within(path, str(tmp_path))
    }
    assert found == {str(tmp_path / "beside"), str(tmp_path / "around" / "beside"), str(environment)}


def test_paths_that_are_not_there_are_left_out(tmp_path):
    """Settings may name what a machine lacks."""
    assert str(tmp_path / "absent") not in set(readable([str(tmp_path / "absent")], []))


@pytest.mark.parametrize(
    ("path", "work", "wide"),
    [
        ("/usr/lib/python3", "/home/me/.casemirror/commands/1", "/usr"),
        ("/home/me/venv/lib", "/home/me/.casemirror/commands/1", "/home/me/venv"),
        (
            "/home/me/.casemirror/environments/e/lib",
            "/home/me/.casemirror/commands/1",
            "/home/me/.casemirror/environments",
        ),
    ],
)
def test_a_childs_rule_is_as_wide_as_it_may_be_without_other_commands_folders(path, work, wide):
    """The parent's rules are the exact ones."""
    assert _wide(path, work) == wide


def test_without_landlock_nothing_is_asked_of_the_kernel(tmp_path):
    """A child is bound to nothing, and that is no error."""
    order = {"landlock": False, "read": [], "write": [], "private": [], "work": str(tmp_path)}
    Confinement(order).bind_child(str(tmp_path), {443}, may_listen=False)
    assert os.listdir(tmp_path) == []
