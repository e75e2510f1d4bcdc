"""XML as JSON and back."""

import json

import CommonServerPython as csp
import pytest


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("<a>x</a>", {"a": "x"}),
        ("<a/>", {"a": None}),
        ('<a k="1"> x </a>', {"a": {"@k": "1", "#text": "x"}}),
        ("<a><b>1</b><b>2</b><b>3</b><c/></a>", {"a": {"b": ["1", "2", "3"], "c": None}}),
        ('<n:a xmlns:n="urn:x" n:k="1"/>', {"a": {"@k": "1"}}),
        (b"<a>\xc3\xa4</a>", {"a": "\u00e4"}),
    ],
)
def test_xml2json(text, data):
    """Attributes, children, lists, namespaces."""
    assert json.loads(csp.xml2json(text)) == data


def test_json2xml_is_the_way_back():
    """From a dict or its text."""
    data = {"a": {"@k": "1", "b": ["1", None, {"@l": "2", "#text": "<x>"}]}}
    assert json.loads(csp.xml2json(csp.json2xml(data))) == data
    assert csp.json2xml(json.dumps(data)) == csp.json2xml(data)


@pytest.mark.parametrize("data", [{}, {"a": 1, "b": 2}, [1]])
def test_json2xml_needs_one_root(data):
    """ValueError otherwise."""
    with pytest.raises(ValueError, match="one root"):
        csp.json2xml(data)
