"""No mapper file crashes casemirror: valid mappers with parts torn out, doubled or replaced are read, checked and run."""

import copy
import json
import os

from hypothesis import given, settings
from hypothesis import strategies as st

from casemirror.content import items
from casemirror.content.catalog import Catalog
from casemirror.content.loading import load
from casemirror.mapping import filters, transformers
from casemirror.mapping.classify import classify
from casemirror.mapping.explain import explain_in, explain_out
from casemirror.mapping.labels import labels_for
from casemirror.mapping.lint import check
from casemirror.model.errors import Invalid

ROUNDS = int(os.environ.get("CASEMIRROR_FUZZ", "300"))
SEED = {
    "id": "m",
    "name": "M",
    "type": "mapping-incoming",
    "fromVersion": "6.0.0",
    "transformer": {"simple": "kind", "complex": None},
    "keyTypeMap": {"a": "T"},
    "defaultIncidentType": "T",
    "mapping": {
        items.COMMON: {"dontMapEventToLabels": False, "internalMapping": {"severity": {"simple": "sev"}}},
        "T": {
            "dontMapEventToLabels": True,
            "internalMapping": {
                "Note": {
                    "simple": "",
                    "complex": {
                        "root": "ev",
                        "accessor": "[0].name",
                        "filters": [
                            [
                                {
                                    "operator": "string.isEqual",
                                    "ignoreCase": True,
                                    "left": {"isContext": True, "value": {"simple": "ev.kind"}},
                                    "right": {"value": {"simple": "${kind}"}},
                                }
                            ]
                        ],
                        "transformers": [
                            {"operator": "join", "args": {"separator": {"value": {"simple": ","}}}},
                            {"operator": "DT", "args": {"dt": {"value": {"simple": ".=val + 1"}}}},
                        ],
                    },
                },
                "Many": {"simple": "ev.[0:1].name"},
                "dbotMirrorId": {"simple": '"constant"'},
            },
        },
    },
}
EVENT = {"sev": "high", "kind": "x", "ev": [{"name": "n", "kind": "X"}, {"name": "m", "kind": "y"}]}
CATALOG = Catalog.of(
    items.make("incidentfield", {"name": name, "cliName": name.lower(), "type": kind})
    for name, kind in (("Note", "shortText"), ("Many", "multiSelect"))
)
NAMES = st.sampled_from(
    [*transformers.KNOWN, *filters.KNOWN, "", "string.", "no.such", "${a}", ".=", ".=val.x.y", '"', "[", "a.[9].b"]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | NAMES, inner, max_size=3),
    max_leaves=8,
)


def places(node, path=()):
    """Every place in a JSON document."""
    yield path
    for key, inner in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from places(inner, (*path, key))


@st.composite
def damaged(draw):
    """The seed with up to four places replaced or removed."""
    body = copy.deepcopy(SEED)
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from([p for p in places(body) if p]))
        parent = body
        for key in path[:-1]:
            parent = parent[key]
        if draw(st.booleans()):
            parent[path[-1]] = draw(ANYTHING)
        else:
            del parent[path[-1]]
    return body


@settings(max_examples=ROUNDS, deadline=None)
@given(body=damaged(), event=st.just(EVENT) | ANYTHING)
def test_a_damaged_mapper_is_refused_or_works(body, event):
    """content.md §3.2: tolerant of everything; what cannot be meant maps nothing and is told."""
    for kind in ("mapper-in", "mapper-out", "classifier"):
        try:
            found = items.parse(kind, body)
        except Invalid as error:
            assert error.message
            continue
        if kind == "classifier":
            assert isinstance(classify(event, found), str)
            continue
        check(found, CATALOG, types={"T"}, schema={"x": {"y": ""}})
        if kind == "mapper-in":
            mapped, lines = explain_in(event, found, "T", CATALOG)
            json.dumps([mapped.fields, mapped.mirror], allow_nan=False)
            labels_for(event, found, "T", brand="b", instance="i")
        else:
            source = event if isinstance(event, dict) else {}
            mapped, lines = explain_out(source, found, "T", dirty={"sev"})
            json.dumps(mapped.data, allow_nan=False)
        assert sum(bool(line.warning) for line in lines) >= len(mapped.warnings)


@settings(max_examples=ROUNDS // 3, deadline=None)
@given(body=damaged() | ANYTHING, cut=st.integers(0, 400))
def test_a_damaged_file_is_a_problem_of_its_pack(body, cut, tmp_path_factory):
    """content.md §2: the file is named, the rest of the pack is loaded."""
    folder = tmp_path_factory.mktemp("pack")
    (folder / "Classifiers").mkdir()
    (folder / "Classifiers" / "whole.json").write_text(json.dumps({**SEED, "id": "whole"}))
    text = json.dumps(body)
    (folder / "Classifiers" / "broken.json").write_text(text[:cut] if cut < 200 else text)
    [pack] = load(folder)
    assert "whole" in {item.id for item in pack.items}
    assert all("broken.json" in str(problem) for problem in pack.problems)
    Catalog.of(pack.items)
