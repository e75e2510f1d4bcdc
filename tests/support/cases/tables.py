"""Lists of objects: what the scripts give. Those that are no Python script of the public packs are held to by us alone."""

ROWS = [{"b": 1, "a": "x"}, {"c": 2, "a": None}]
LEFT = [{"id": "1", "a": 1}, {"id": ["2", "1"], "a": 2}, {"id": 2, "a": 3}, {"a": 4}]
RIGHT = [{"rid": 1, "b": 1}, {"rid": "2", "b": 2}, {"rid": None}]
GROUPED = [{"k": "y", "t": "1"}, {"k": "x", "t": "2"}, {"k": "y", "t": "3"}]
INTO, FROM = [{"ip": "1", "a": 1}, {"ip": "2"}], [{"addr": 1, "a": 2, "n": [3]}, {"addr": "9"}]
ONLY = {"mapping": "addr:ip", "appendable": "false"}
MERGED = {"mapping": "k:k", "merge_with": {"k": 1, "v": 2}}

TRANSFORMED = [
    # JsonToTable: the keys of the first row, sorted
    ("JsonToTable", ROWS, {"title": "T"}, "### T\n|a|b|\n|---|---|\n| x | 1 |\n|  |  |\n"),
    ("JsonToTable", ROWS, {"title": "T", "headers": '["c", "a"]'}, "### T\n|c|a|\n|---|---|\n|  | x |\n| 2 |  |\n"),
    ("JsonToTable", {"a": 1, "b": 2}, {"title": "T"}, "### T\n|a|b|\n|---|---|\n| 1 | 2 |\n"),
    ("JsonToTable", {"a": [1, 2]}, {"title": "T"}, "### T\n|a|\n|---|\n| 1 |\n| 2 |\n"),
    ("JsonToTable", {"a": 1}, {"title": "T"}, "### T\n|a|\n|---|\n| 1 |\n"),
    ("JsonToTable", [1, "b"], {"title": "T", "headers": "H"}, "### T\n|H|\n|---|\n| 1 |\n| b |\n"),
    ("JsonToTable", [], {"title": "T"}, "### T\n**No entries.**\n"),
    ("JsonToTable", "", {"title": "T"}, "### T\n**No entries.**\n"),
    ("JsonToTable", [{"a": [1, "x"], "b": {"k": "v", "l": 1}}], {"title": "T"}, "### T\n|a|b|\n|---|---|\n| 1,<br>x | k: v<br>l: 1 |\n"),
    ("JsonToTable", [{"a": "x\r\ny\rz|"}], {"title": "T"}, "### T\n|a|\n|---|\n| x<br>y<br>z\\| |\n"),
    # WhereFieldEquals
    ("WhereFieldEquals", [{"a": 1}], {"field": "b", "equalTo": ""}, "[]"),
    ("WhereFieldEquals", [{"a": ""}], {"field": "a", "equalTo": ""}, {"a": ""}),
    ("WhereFieldEquals", '[{"a": "x"}, 1]', {"field": "a", "equalTo": "x"}, {"a": "x"}),
    ("WhereFieldEquals", [{"a": 1}], {"field": "a", "equalTo": "1"}, "[]"),
    ("WhereFieldEquals", [{"a": "x", "b": 0}], {"field": "a", "equalTo": "x", "getField": "b"}, "[]"),
    # GetValuesOfMultipleFields
    ("GetValuesOfMultipleFields", "v", {"key": [{"a": 1, "b": [2, 3]}, None], "list": "a,b"}, [1, 2, 3, "v"]),
    ("GetValuesOfMultipleFields", "v", {"key": {"a": 0}, "list": "a, b"}, ["v"]),
    # JoinListsOfDicts
    ("JoinListsOfDicts", LEFT, {"right": RIGHT, "key": "id", "rightkey": "rid"}, [{**LEFT[0], **RIGHT[0]}, {**LEFT[1], **RIGHT[0]}, {**LEFT[1], **RIGHT[1]}]),
    ("JoinListsOfDicts", {"CustomFields": {"k": "1"}}, {"right": {"k": "1"}, "key": "CustomFields.k", "rightkey": "k"}, [{"CustomFields": {"k": "1"}, "k": "1"}]),
    ("JoinListsOfDicts", [{"k": "1"}], {"right": [{"k": "1", "b": 2}, {"CustomFields": None}], "key": "k"}, [{"k": "1", "b": 2}]),
    ("JoinListsOfDicts", [{"k": "1"}], {"right": [{"CustomFields": None}, {}], "key": "k", "rightkey": "CustomFields.k"}, []),
    # ListGroupBy
    ("ListGroupBy", GROUPED, {"keys": "k", "outputkey": "t"}, [{"k": "x", "value": "2"}, {"k": "y", "value": "1,3"}]),
    ("ListGroupBy", GROUPED, {"keys": "z,k", "outputkey": "t", "separator": "/"}, [{"z": None, "k": "x", "value": "2"}, {"z": None, "k": "y", "value": "1/3"}]),
    # MergeDictArray
    ("MergeDictArray", INTO, {"mapping": "addr:ip", "merge_with": FROM}, [{"ip": "1", "a": [1, 2], "addr": 1, "n": [3]}, {"ip": "2"}, {"addr": "9"}]),
    ("MergeDictArray", INTO, {**ONLY, "merge_with": FROM, "conflict_strategy": "source"}, [{"ip": "1", "a": 2, "addr": 1, "n": [3]}, {"ip": "2"}]),
    ("MergeDictArray", INTO, {**ONLY, "merge_with": FROM, "conflict_strategy": "destination"}, [{"ip": "1", "a": 1, "addr": 1, "n": [3]}, {"ip": "2"}]),
    ("MergeDictArray", INTO, {**ONLY, "merge_with": FROM, "overwrite_by_source": "a"}, [{"ip": "1", "a": 2, "addr": 1, "n": [3]}, {"ip": "2"}]),
    ("MergeDictArray", INTO, {**ONLY, "merge_with": FROM, "overwrite_by_destination": "a", "conflict_strategy": "source"}, [{"ip": "1", "a": 1, "addr": 1, "n": [3]}, {"ip": "2"}]),
    ("MergeDictArray", INTO, {"mapping": "addr:ip", "merge_with": FROM, "out_key": "o"}, [{"ip": "1", "a": 1, "o": FROM[0]}, {"ip": "2"}, {"o": FROM[1]}]),
    ("MergeDictArray", INTO, {**ONLY, "merge_with": FROM, "out_key": "a"}, [{"ip": "1", "a": [1, FROM[0]]}, {"ip": "2"}]),
    ("MergeDictArray", INTO, {**ONLY, "merge_with": FROM[0], "out_key": "o.p"}, [{"ip": "1", "a": 1, "o": {"p": FROM[0]}}, {"ip": "2"}]),
    ("MergeDictArray", INTO, {**ONLY, "merge_with": [7], "out_path": "res.list"}, [{"res": {"list": INTO}}]),
    ("MergeDictArray", INTO, {"mapping": "addr:ip"}, INTO),
    ("MergeDictArray", INTO, {"mapping": "addr.x:ip", "merge_with": ["text", {"addr": 1}]}, [*INTO, "text", {"addr": 1}]),
    ("MergeDictArray", ["x"], {"mapping": "k:k", "merge_with": {"k": 1}, "appendable": "false"}, ["x"]),
    ("MergeDictArray", [{"l": [{"k": 1}]}], {**MERGED, "array_path": "l"}, [{"l": [{"k": 1, "v": 2}]}]),
    ("MergeDictArray", [{"l": {"k": 1}}], {**MERGED, "array_path": "l", "out_path": "m"}, [{"l": {"k": 1}, "m": {"k": 1, "v": 2}}]),
    ("MergeDictArray", [{"l": {"k": 3}}], {**MERGED, "array_path": "l"}, [{"l": [{"k": 3}, {"k": 1, "v": 2}]}]),
    ("MergeDictArray", [{"k": 1, "v": None}], MERGED, [{"k": 1, "v": 2}]),
    ("MergeDictArray", [{"k": 1, "v": [2]}], MERGED, [{"k": 1, "v": 2}]),
    ("MergeDictArray", [{"k": 1, "v": []}], {"mapping": "k:k", "merge_with": {"k": 1, "v": [None]}}, [{"k": 1, "v": []}]),
    ("MergeDictArray", [{"k": 1, "v": None}], {"mapping": "k:k", "merge_with": {"k": 1, "v": [None]}}, [{"k": 1, "v": None}]),
    ("MergeDictArray", [{"k": 1, "v": 1}], {"mapping": "k:k", "merge_with": {"k": 1, "v": []}}, [{"k": 1, "v": 1}]),
    ("MergeDictArray", [{"k": 1, "v": 1}], {"mapping": "k:k", "merge_with": {"k": 1, "v": [2, 3]}}, [{"k": 1, "v": [1, 3]}]),
    ("MergeDictArray", [{"k": [1, 2], "v": [{"x": 1}]}], MERGED, [{"k": [1, 2], "v": [{"x": 1}, 2]}]),
]  # fmt: skip
