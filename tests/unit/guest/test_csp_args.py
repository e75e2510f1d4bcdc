"""Arguments, nested data and texts: tables of cases."""

import json

import CommonServerPython as csp
import pytest


@pytest.mark.parametrize(
    ("arg", "expected"),
    [
        (None, []),
        ("", []),
        ([], []),
        (["a", 1], ["a", 1]),
        ("a, b ,c", ["a", "b", "c"]),
        ("a", ["a"]),
        ('["a, b", 2]', ["a, b", 2]),
        ("[a],[b]", ["[a]", "[b]"]),
        (7, [7]),
        ({"a": 1}, [{"a": 1}]),
    ],
)
def test_argToList(arg, expected):
    """Lists, JSON, separated text, single values."""
    assert csp.argToList(arg) == expected


def test_argToList_separator_and_transform():
    """Any separator; the transform is applied to lists, too."""
    assert csp.argToList("1;2", separator=";", transform=int) == [1, 2]
    assert csp.argToList(["1"], transform=int) == [1]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, True), (False, False), ("True", True), ("yes", True), ("NO", False), ("false", False)],
)
def test_argToBoolean(value, expected):
    """In any case."""
    assert csp.argToBoolean(value) is expected


@pytest.mark.parametrize("value", ["", "1", "on", 1, None])
def test_argToBoolean_refuses(value):
    """ValueError for everything else."""
    with pytest.raises(ValueError, match="argument"):
        csp.argToBoolean(value)


@pytest.mark.parametrize(
    ("arg", "expected"), [(None, None), ("", None), ("12", 12), ("-3", -3), ("2.9", 2), (0, 0), (12, 12), (" 7", 7)]
)
def test_arg_to_number(arg, expected):
    """Text of a float is cut off."""
    assert csp.arg_to_number(arg) == expected


@pytest.mark.parametrize(
    ("arg", "required", "text"),
    [
        ("ten", False, '"limit"="ten"'),
        (1.5, False, '"limit"="1.5"'),
        ([1], False, "limit"),
        ("inf", False, "limit"),
        (None, True, 'Missing "limit"'),
        ("", True, 'Missing "limit"'),
    ],
)
def test_arg_to_number_refuses(arg, required, text):
    """A float object, too; the text names the argument."""
    with pytest.raises(ValueError, match=text.replace("[", r"\[")):
        csp.arg_to_number(arg=arg, arg_name="limit", required=required)


def test_remove_duplicates_from_list_arg():
    """In no order."""
    assert sorted(csp.remove_duplicates_from_list_arg({"ids": "b,a,b"}, "ids")) == ["a", "b"]
    assert csp.remove_duplicates_from_list_arg({}, "ids") == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [({"a": 1}, {"a": 1}), ([1], [1]), ('{"a": 1}', {"a": 1}), ("[1]", [1]), ("5@1", {"from": "file"})],
)
def test_safe_load_json(host, tmp_path, given, expected):
    """Data, text, or the id of a file's entry."""
    path = tmp_path / "f"
    path.write_text(json.dumps({"from": "file"}))
    host.files["5@1"] = {"path": str(path)}
    assert csp.safe_load_json(given) == expected


@pytest.mark.parametrize("given", ["{no json}", "6@1"])
def test_safe_load_json_reports_failures(host, given):
    """Through return_error."""
    with pytest.raises(SystemExit):
        csp.safe_load_json(given)
    assert host.emitted[0]["Type"] == 4


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (csp.assign_params(a=None, b="", c=[], d={}, e=(), f=0, g=False, h="x"), {"f": 0, "g": False, "h": "x"}),
        (csp.assign_params(keys_to_ignore=["a"], a=1, b=2), {"b": 2}),
        (csp.assign_params(values_to_ignore=(None,), a=None, b=""), {"b": ""}),
        (
            csp.remove_empty_elements({"a": None, "b": {"c": []}, "d": "", "e": [{}, None, 0], "f": False}),
            {"d": "", "e": [0], "f": False},
        ),
        (csp.remove_empty_elements([{"a": {}}]), []),
        (csp.snakify({"caseId": 1, "HTTPCode": {"aB": 2}}), {"case_id": 1, "http_code": {"aB": 2}}),
        (csp.camelize({"some key": [{"other key": 1}]}), {"SomeKey": [{"OtherKey": 1}]}),
        (csp.replace_in_keys({"a.b": [{"c.d": 1}]}), {"a_b": [{"c_d": 1}]}),
        (list(csp.batch([1, 2, 3], batch_size=2)), [[1, 2], [3]]),
        (list(csp.batch([], 2)), []),
        (csp.createContext({"a.b": 1, "a.c": 2}), {"a": {"b": 1, "c": 2}}),
        (csp.createContext({"a": 1}, id="7"), {"a": 1, "ID": "7"}),
        (csp.createContext({"ID": 1}, id="7"), {"ID": 1}),
        (csp.createContext([{"a": "", "b": 0}], removeNull=True), [{"b": 0}]),
        (csp.createContext({"p.some_key": 1}, keyTransform=str.upper), {"p": {"SOME_KEY": 1}}),
        (csp.createContext("x"), "x"),
        (
            csp.merge_lists([{"id": 1, "v": "old"}, {"id": 2}], [{"id": 1, "v": "new"}, {"id": 3}], key="id"),
            [{"id": 1, "v": "new"}, {"id": 2}, {"id": 3}],
        ),
        (csp.merge_lists([{"id": 1}], [{"id": 1, "remove": True}], "id"), []),
    ],
)
def test_structures(call, expected):
    """Dicts and lists."""
    assert call == expected


def test_remove_nulls_changes_the_dict_itself():
    """In place, top level only; 0 and False stay."""
    data = {"a": None, "b": "", "c": [], "d": 0, "e": {"f": None}}
    assert csp.remove_nulls_from_dictionary(data) is None
    assert data == {"d": 0, "e": {"f": None}}


@pytest.mark.parametrize(
    ("keys", "options", "expected"),
    [
        (["a", "b", 1], {}, "y"),
        (["a", "b", 9], {}, None),
        (["a", "x"], {"default_return_value": 5}, 5),
        (["a", "n", "x"], {"default_return_value": 5}, 5),
        (["a", "b"], {"return_type": list}, ["x", "y"]),
        (["a", "b"], {"return_type": dict, "default_return_value": {}, "raise_return_type": False}, {}),
    ],
)
def test_dict_safe_get(keys, options, expected):
    """Keys and indices; the default where the path breaks off."""
    assert csp.dict_safe_get({"a": {"b": ["x", "y"], "n": None}}, keys, **options) == expected


def test_dict_safe_get_refuses_another_type():
    """TypeError, unless told not to."""
    with pytest.raises(TypeError):
        csp.dict_safe_get({"a": 1}, ["a"], return_type=str)


@pytest.mark.parametrize(
    ("existing", "data", "dedup", "expected"),
    [
        (None, "x", False, "x"),
        ("a", "b", False, "a,b"),
        (["a"], ["a", "b"], True, ["a", "b"]),
        (["a"], "b", False, ["a", "b"]),
        ({"a": 1}, {"b": 2}, False, {"a": 1, "b": 2}),
    ],
)
def test_appendContext(host, existing, data, dedup, expected):
    """Grows what is there, by its kind."""
    host.incident_context = {"k": existing}
    csp.appendContext("k", data, dedup)
    assert host.incident_context["k"] == expected


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (csp.pascalToSpace("PascalCaseName"), "Pascal Case Name"),
        (csp.pascalToSpace("userID"), "User ID"),
        (csp.pascalToSpace("IPAddress"), "IP Address"),
        (csp.pascalToSpace(5), 5),
        (csp.string_to_table_header("some_field name"), "Some Field Name"),
        (csp.string_to_context_key("some_field name"), "SomeFieldName"),
        (csp.camelize_string("some_field"), "SomeField"),
        (csp.camelize_string("some_field", upper_camel=False), "someField"),
        (csp.camelize_string("some field", " "), "SomeField"),
        (csp.camelize_string(""), ""),
        (csp.underscoreToCamelCase("some_field"), "SomeField"),
        (csp.underscoreToCamelCase(5), 5),
        (csp.camel_case_to_underscore("someFieldName"), "some_field_name"),
        (csp.urljoin("https://h/api", "/v1"), "https://h/api/v1"),
        (csp.urljoin("https://h/api/", "v1/x?y"), "https://h/api/v1/x?y"),
        (csp.urljoin("https://h/api/", "//v1"), "https://h/api//v1"),
        (csp.urljoin("https://h"), "https://h/"),
        (csp.b64_encode("käse"), "a8Okc2U="),
        (csp.b64_encode(b"\xff"), "/w=="),
        (csp.b64_encode(""), ""),
        (csp.stringEscapeMD("a|b\nc_d", minimal_escaping=True, escape_multiline=True), r"a\|b<br>c_d"),
        (csp.stringEscapeMD("a_[b]|"), r"a\_\[b\]\|"),
        (csp.stringUnEscape(r"a\nb\tc"), "a\nb\tc"),
        (csp.create_clickable_url("u"), "[u](u)"),
        (csp.create_clickable_url(["u", "v"], ["a", "b"]), ["[a](u)", "[b](v)"]),
        (csp.create_clickable_url(""), None),
        (csp.url_to_clickable_markdown({"a": [{"u": "x", "v": "y"}]}, ["u"]), {"a": [{"u": "[x](x)", "v": "y"}]}),
        (csp.hash_djb2("hello"), 261238937),
        (csp.shorten_string_for_printing("abcdefghij", 7), "ab...ij"),
        (csp.shorten_string_for_printing("abc", 3), "abc"),
        (csp.encode_string_results(5), "5"),
    ],
)
def test_texts(call, expected):
    """Spelling, URLs, base64, Markdown."""
    assert call == expected


@pytest.mark.parametrize("function", [csp.string_to_table_header, csp.string_to_context_key])
def test_header_needs_text(function):
    """Exception for anything else."""
    with pytest.raises(Exception, match="string"):
        function(5)
