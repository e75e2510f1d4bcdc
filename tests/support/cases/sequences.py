"""Lists and JMESPath: what the scripts give."""

TRANSFORMED = [
    ("ProductJoin", "a,b", {"list2": ["1", 2], "join": ""}, ["a1", "a2", "b1", "b2"]),
    ("AppendIfNotEmpty", ["a"], {"item": "b,c"}, ["a", "b,c"]),
    ("AppendIfNotEmpty", ["a"], {"item": "b, c", "raw": "false"}, ["a", "b", "c"]),
    ("AppendIfNotEmpty", ["a"], {"item": ["", "b", None]}, ["a", "", "b", None]),
    ("AppendIfNotEmpty", ["a"], {"item": ""}, ["a"]),
    ("RemoveEmpty", ["a", "", None, [], {}, [None, ["", {}]], 0, False, ["", 1]], {}, ["a", 0, False, ["", 1]]),
    ("RemoveEmpty", ["0001-01-01T00:00:00Z", "n/a", "none"], {"empty_values": "n/a, none"}, ["0001-01-01T00:00:00Z"]),
    ("RemoveEmpty", [{"a": "", "b": {"c": None}}], {}, [{"a": "", "b": {"c": None}}]),
    ("RemoveEmpty", [{"a": "", "b": {"c": None, "d": 1}, "e": [{"f": ""}, [], 2]}, "x"], {"remove_keys": "true"}, [{"b": {"d": 1}, "e": [2]}, "x"]),
    ("RemoveEmpty", [{"a": [{"b": ""}, None]}], {"remove_keys": "true"}, []),
    ("jmespath", {"a": [3, 1, 2]}, {"expression": "{n: length(a), s: sort(a), t: join('-', ['x','y'])}"}, {"n": 3, "s": [1, 2, 3], "t": "x-y"}),
    ("jmespath", {"a": 1}, {"expression": "b"}, None),
    ("jmespath", '[{"a": 2}, {"a": 1}]', {"expression": "sort_by(@, &a)[].a"}, [1, 2]),
]  # fmt: skip
