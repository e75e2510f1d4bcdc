"""Properties of mapping: it never raises, answers the same twice, and leaves its input alone."""

import copy
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from casemirror.content import items
from casemirror.content.catalog import Catalog
from casemirror.mapping import filters, transformers
from casemirror.mapping.classify import classify
from casemirror.mapping.incoming import map_in
from casemirror.mapping.labels import labels_for
from casemirror.mapping.outgoing import map_out

KEYS = st.sampled_from(["a", "b", "a.b", "", "CustomFields", "x y"])
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12)
)
TEXTS = st.sampled_from(
    ["", "1", "0.5", "2022-05-01 10:00", "low", "true", '{"a": 1}', "a,b", "9" * 30, "1e400", "NaN", "Ω", "\x00"]
)
JSON = st.recursive(
    SCALARS | TEXTS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
PATHS = st.sampled_from(
    ["", ".", "a", "a.b", "b.[0]", "[1]", "a[0:2].b", "a.[]", '"const"', ".='x'", ".=val.a.b", ".=val[0] + 1", "${a}", "x ${a.b} y", "a..b", "[", "\\."]
)  # fmt: skip
NAMES = [*transformers.KNOWN, "NoSuchOperator", "string.trim"]
ARGUMENTS = [
    "by",
    "from",
    "to",
    "index",
    "dt",
    "regex",
    "item",
    "toReplace",
    "replaceWith",
    "input_values",
    "mapped_values",
    "field",
    "formatter",
]
OPERANDS = (
    st.none()
    | st.just({})
    | st.fixed_dictionaries({"isContext": st.booleans(), "value": st.fixed_dictionaries({"simple": PATHS | TEXTS})})
)
STEPS = st.fixed_dictionaries(
    {"operator": st.sampled_from(NAMES), "args": st.dictionaries(st.sampled_from(ARGUMENTS), OPERANDS, max_size=4)}
)
CONDITIONS = st.fixed_dictionaries(
    {"operator": st.sampled_from([*filters.KNOWN, "isOdd"]), "left": OPERANDS, "right": OPERANDS}
)
COMPLEX = st.fixed_dictionaries(
    {
        "root": PATHS,
        "accessor": PATHS,
        "filters": st.lists(st.lists(CONDITIONS, max_size=2), max_size=2),
        "transformers": st.lists(STEPS, max_size=3),
    }
)
EXPRESSIONS = st.fixed_dictionaries({"simple": PATHS, "complex": st.none() | COMPLEX}) | JSON
FIELDS = [
    "Text",
    "Number",
    "Flag",
    "Date",
    "Many",
    "Grid",
    "Timer",
    "severity",
    "occurred",
    "dbotMirrorTags",
    "dbotMirrorId",
    "status",
    "Nope",
]
TYPES = ["shortText", "number", "boolean", "date", "multiSelect", "grid", "timer"]
CATALOG = Catalog.of(
    items.make("incidentfield", {"name": name, "cliName": name.lower(), "type": kind})
    for name, kind in zip(FIELDS, TYPES, strict=False)
)


def mapper(kind, rules):
    return items.parse(kind, {"id": "m", "mapping": {items.COMMON: {"internalMapping": rules}}})


@settings(max_examples=400, deadline=None)
@given(event=JSON, rules=st.dictionaries(st.sampled_from(FIELDS), EXPRESSIONS, max_size=4))
def test_mapping_in_never_raises_and_answers_the_same_twice(event, rules):
    """mirroring.md §4.3; content.md §3.4: any failure drops one field."""
    found, before = mapper("mapper-in", rules), copy.deepcopy(event)
    mapped = map_in(event, found, "T", CATALOG)
    assert event == before
    assert mapped == map_in(copy.deepcopy(event), mapper("mapper-in", rules), "T", CATALOG)
    assert mapped.touched <= mapped.fields.keys()
    assert not {"status", "nope", "dbotMirrorId"} & mapped.fields.keys()
    json.dumps([mapped.fields, mapped.mirror], allow_nan=False)
    labels_for(event, found, "T", brand="b", instance="i")
    map_in(event, None, "T", CATALOG)


@settings(max_examples=400, deadline=None)
@given(
    source=st.dictionaries(KEYS, JSON, max_size=5),
    rules=st.dictionaries(st.sampled_from(["r", "s", "owner"]), EXPRESSIONS, max_size=3),
    dirty=st.sets(KEYS),
)
def test_mapping_out_never_raises_and_delta_agrees_with_data(source, rules, dirty):
    """MIR-147: a value in delta is the one in data, or that of an emptied pass-through name."""
    before = copy.deepcopy(source)
    mapped = map_out(source, mapper("mapper-out", rules), "T", dirty=dirty, passthrough=("owner",))
    assert source == before
    assert all(mapped.data[key] == value for key, value in mapped.delta.items() if key in mapped.data)
    assert mapped == map_out(before, mapper("mapper-out", rules), "T", dirty=dirty, passthrough=("owner",))
    assert map_out(source, None, "T", dirty=dirty, passthrough=()).delta.keys() <= dirty
    json.dumps(mapped.data, allow_nan=False)


@settings(max_examples=200, deadline=None)
@given(event=JSON, transformer=EXPRESSIONS, table=st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3))
def test_classification_always_names_a_type(event, transformer, table):
    """content.md §3.6."""
    found = items.parse("classifier", {"id": "c", "transformer": transformer, "keyTypeMap": table})
    assert classify(event, found) in {*table.values(), "Unclassified"}
