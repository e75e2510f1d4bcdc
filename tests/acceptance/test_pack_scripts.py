"""Scripts of installed packs as operators of mappers, run in real processes; and mapObject asked by an integration."""

import textwrap

import pytest

from casemirror.content import items
from casemirror.content.catalog import Catalog
from casemirror.engine.pack_scripts import PackScripts
from casemirror.mapping.incoming import map_in
from casemirror.mapping.outgoing import map_out
from casemirror.mapping.outside import Outside
from casemirror.model.settings import Settings
from casemirror.runtime.command import Code, Command, Ending, HostCalls
from casemirror.runtime.pool import ProcessRuntime


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    made = ProcessRuntime(tmp_path_factory.mktemp("work"))
    yield made
    made.close()


def script(name, source, *, args=(), tags=("transformer",), language="python"):
    body = {
        "commonfields": {"id": name},
        "name": name,
        "type": language,
        "subtype": "python3",
        "tags": list(tags),
        "args": [{"name": arg, **({"defaultValue": default} if default else {})} for arg, default in args],
        "script": textwrap.dedent(source),
    }
    return items.make("script", body)


SCRIPTS = [
    script(
        "Decorate",
        """
        import demistomock as demisto
        from CommonServerPython import *
        def main():
            given = demisto.args()
            return_results(f"{sorted(given)}{given['left_mark']}{given['value']}")
        if __name__ in ("__builtin__", "builtins"):
            main()
        """,
        args=[("value", ""), ("left_mark", "<"), ("never", "")],
    ),
    script(
        "HowMany",
        "demisto.results({'type': type(demisto.args()['value']).__name__, 'n': len(demisto.args()['value'])})",
        args=[("value", "")],
        tags=("transformer", "entirelist"),
    ),
    script("Kind", "demisto.results(type(demisto.args()['value']).__name__)", args=[("value", "")]),
    script("Refuse", "return_error('not this one')", args=[("value", "")]),
    script("Slow", "import time; time.sleep(60)", args=[("value", "")]),
    script(
        "IsLonger",
        "demisto.results(len(demisto.args()['left']) > len(demisto.args()['right']))",
        args=[("left", ""), ("right", "")],
        tags=("filter",),
    ),
    script("OldJs", "return value;", args=[("value", "")], language="javascript"),
]
NOTE = items.make("incidentfield", {"name": "Note", "cliName": "note", "type": "internal"})
CATALOG = Catalog.of([*SCRIPTS, NOTE])


@pytest.fixture(scope="module")
def outside(runtime):
    settings, _ = Settings.from_stored({"mapping.script.timeout": "1"})
    return Outside(scripts=PackScripts(runtime, CATALOG, settings))


def mapped(operator, value, outside, **args):
    """What the field gets, and the warnings."""
    step = {"operator": operator, "args": {name: {"value": {"simple": text}} for name, text in args.items()}}
    rule = {"complex": {"root": "v", "transformers": [step]}}
    mapper = items.parse("mapper-in", {"id": "m", "mapping": {"T": {"internalMapping": {"Note": rule}}}})
    found = map_in({"v": value}, mapper, "T", CATALOG, outside=outside)
    return found.fields.get("note"), [str(w) for w in found.warnings]


@pytest.mark.parametrize(
    ("operator", "value", "args", "expected"),
    [
        ("Decorate", "x", {}, "['left_mark', 'value']<x"),
        ("general.Decorate", "x", {"left_mark": "(", "undeclared": "y"}, "['left_mark', 'value'](x"),
        ("Decorate", ["a", None, "b"], {}, ["['left_mark', 'value']<a", "['left_mark', 'value']<b"]),
        ("HowMany", ["a", "b", "c"], {}, {"type": "list", "n": 3}),
        ("Kind", 2.0, {}, "int"),
        ("Kind", {"a": 1}, {}, "dict"),
    ],
)
def test_a_script_transforms(operator, value, args, expected, outside):
    """content.md §3.5: declared arguments with their defaults, JSON types of the value; MAP-049, MAP-060, MAP-063."""
    assert mapped(operator, value, outside, **args) == (expected, [])


@pytest.mark.parametrize(
    ("operator", "reason"),
    [
        ("Refuse", "not this one"),
        ("Slow", "killed"),
        ("OldJs", "written in javascript"),
        ("88d687c2-0000", "unknown operator"),
    ],
)
def test_a_script_that_fails_costs_its_field_only(operator, reason, outside):
    """MAP-063, MAP-078: the warning names mapper, type, field and operator."""
    value, [warning] = mapped(operator, "x", outside)
    assert value is None
    assert all(word in warning for word in ("'m'", "'T'", "'Note'", operator, reason))


def test_a_script_filters(outside):
    """content.md §3.5: arguments left and right, a boolean comes back."""
    condition = {
        "operator": "IsLonger",
        "left": {"isContext": True, "value": {"simple": "v"}},
        "right": {"value": {"simple": "ab"}},
    }
    rule = {"complex": {"root": "v", "filters": [[condition]]}}
    mapper = items.parse("mapper-out", {"id": "m", "mapping": {"T": {"internalMapping": {"r": rule}}}})
    found = map_out({"v": ["a", "abc", "abcd"]}, mapper, "T", dirty=(), passthrough=(), outside=outside)
    assert found.data == {"r": ["abc", "abcd"]}


def test_an_integration_maps_objects(runtime):
    """MAP-099: the object may be JSON text; an unknown mapper is a ValueError in the integration."""
    asked = []

    def map_object(source, mapper, incident_type):
        asked.append((source, mapper, incident_type))
        if mapper != "profile":
            raise ValueError("no mapper 'x' is installed")
        return {"email": "a@x"}

    source = """
demisto.results(demisto.mapObject({"mail": "a@x"}, "profile", "User Profile"))
try:
    demisto.mapObject("{}", "x", "")
except ValueError as error:
    demisto.results(str(error))
"""
    reply = runtime.run(
        Command(code=Code(key="mapping", name="I", source=source), name="c", host=HostCalls(map_object=map_object))
    )
    assert (reply.ending, reply.results) == (Ending.NORMAL, ({"email": "a@x"}, "no mapper 'x' is installed"))
    assert asked == [({"mail": "a@x"}, "profile", "User Profile"), ("{}", "x", "")]
    reply.discard()


def test_an_integration_uses_the_transform_language(runtime):
    """demisto.dt: the server evaluates; a failure, and a command without it, is a ValueError in the integration."""

    def transform(source, expression):
        if expression == "File(":
            raise ValueError("lacks a closing bracket")
        return [source, expression]

    source = """
def told(*given):
    try:
        return demisto.dt(*given)
    except ValueError as error:
        return str(error)

demisto.results([told({"a": 1}, "a"), told({}, "File(")])
"""
    code = Code(key="transforming", name="I", source=source)
    reply = runtime.run(Command(code=code, name="c", host=HostCalls(transform=transform)))
    assert (reply.ending, reply.results) == (Ending.NORMAL, ([[{"a": 1}, "a"], "lacks a closing bracket"],))
    reply.discard()
    without = runtime.run(Command(code=code, name="c"))
    assert without.results == (["this command cannot use the transform language (demisto.dt)"] * 2,)
    without.discard()
