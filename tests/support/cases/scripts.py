"""Operators that are scripts upstream: what they give. Both our functions and the public packs' scripts are held to it."""

PEOPLE = [{"name": "ann", "team": "it", "n": 1}, {"name": "bo", "team": "soc", "n": 2}, {"name": "cy", "team": "it"}]

TRANSFORMED = [
    # matches
    ("RegexGroups", "The quick brown fox", {"regex": r"(The)\s(quick).*(fox)"}, ["The", "quick", "fox"]),
    ("RegexGroups", "The quick brown fox", {"regex": r"(The)\s(quick).*(fox)", "groups": "0,2"}, ["The", "fox"]),
    ("RegexGroups", "a1", {"regex": "([a-z])([0-9])", "keys": "letter,digit"}, {"letter": "a", "digit": "1"}),
    ("RegexGroups", "A\nB", {"regex": "(a).(b)", "flags": "dotall,ignorecase"}, ["A", "B"]),
    ("RegexGroups", "nothing", {"regex": "(x)"}, []),
    ("RegexGroups", "ac", {"regex": "(a)(b)?"}, ["a", None]),
    ("RegexExtractAll", "a1 b22", {"regex": r"\d+"}, ["1", "22"]),
    ("RegexExtractAll", "a1 b22", {"regex": r"([a-z])(\d)"}, [["a", "1"], ["b", "2"]]),
    ("RegexExtractAll", "a1 b22", {"regex": r"([a-z])\d"}, ["a", "b"]),
    ("RegexExtractAll", "a1 b22", {"regex": r"([a-z])(\d)", "unpack_matches": "true"}, ["a", "1", "b", "2"]),
    ("RegexExtractAll", "ONE\ntwo", {"regex": "^[a-z]+$", "multi_line": "true", "ignore_case": "true"}, ["ONE", "two"]),
    ("RegexExtractAll", "a\nb", {"regex": "a.b", "period_matches_newline": "true"}, ["a\nb"]),
    ("RegexExtractAll", "abc", {"regex": "x"}, []),
    ("ExtractEmailTransformer", "Ann <ann@example.com>, bo@example.org", {}, ["ann@example.com", "bo@example.org"]),
    ("Cut", "a-b-c", {"delimiter": "-", "fields": "1,3"}, "a-c"),
    ("Cut", "a b", {"delimiter": " ", "fields": "2"}, "b"),
    ("StringToArray", "http://x", {}, '["http://x"]'),
    # times
    ("ModifyDateTime", "2022-01-31T10:00:00", {"variation": "in 1 day"}, "2022-02-01T10:00:00"),
    ("ModifyDateTime", "2022-05-31T10:00:00Z", {"variation": "3 months ago"}, "2022-02-28T10:00:00+00:00"),
    # lists
    ("ProductJoin", ["a", "b"], {"list2": "1,2"}, ["a=1", "a=2", "b=1", "b=2"]),
    ("ProductJoin", "a, b", {"list2": "1", "join": "-"}, ["a-1", "b-1"]),
    ("SumList", [1, "2.5"], {}, 3.5),
    ("SumList", "1,2", {}, 3.0),
    ("jmespath", {"a": [{"b": 1}, {"b": 2}]}, {"expression": "a[?b > `0`].b"}, [1, 2]),
    ("jmespath", '{"a": {"b": "x"}}', {"expression": "a.b"}, "x"),
    # tables
    ("WhereFieldEquals", PEOPLE, {"field": "team", "equalTo": "soc"}, PEOPLE[1]),
    ("WhereFieldEquals", PEOPLE, {"field": "team", "equalTo": "it", "getField": "name"}, '["ann","cy"]'),
    ("WhereFieldEquals", PEOPLE, {"field": "team", "equalTo": "it", "getField": "n"}, 1),
    (
        "WhereFieldEquals",
        PEOPLE,
        {"field": "team", "equalTo": "it", "getField": "name", "stringify": "false"},
        ["ann", "cy"],
    ),
    ("WhereFieldEquals", PEOPLE, {"field": "team", "equalTo": "x"}, "[]"),
    ("GetValuesOfMultipleFields", "v", {"key": PEOPLE, "list": "name,n"}, ["ann", 1, "bo", 2, "cy", "v"]),
    (
        "JsonToTable",
        [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}],
        {"title": "T"},
        "### T\n|a|b|\n|---|---|\n| 1 | x |\n| 2 | y |\n",
    ),
    ("JsonToTable", '[{"a": 1, "b": 2}]', {"title": "T", "headers": "b"}, "### T\n|b|\n|---|\n| 2 |\n"),
    ("JsonToTable", [{"a": "x|y\nz"}], {"title": "T"}, "### T\n|a|\n|---|\n| x\\|y<br>z |\n"),
    # addresses
    ("IPv4Whitelist", ["10.0.0.1", "8.8.8.8"], {"cidr_ranges": "10.0.0.0/8"}, ["10.0.0.1"]),
    ("IPv4Whitelist", "8.8.8.8", {"cidr_ranges": "10.0.0.0/8"}, None),
    ("IPv4Blacklist", "10.0.0.1,8.8.8.8", {"cidr_ranges": "10.0.0.0/8"}, ["8.8.8.8"]),
]

FILTERED = [
    ("InRange", "4", "1,8", True),
    ("InRange", 8, "1,8", True),
    ("InRange", 9, "1,8", False),
    ("InRange", "x", "1,8", False),
    ("InRange", 4, "1", False),
    ("IsInCidrRanges", "10.1.2.3", "192.168.0.0/16,10.0.0.0/8", True),
    ("IsInCidrRanges", "8.8.8.8", "10.0.0.0/8", False),
    ("IsNotInCidrRanges", "8.8.8.8", "10.0.0.0/8", True),
    ("IsNotInCidrRanges", "10.0.0.1", "10.0.0.0/8", False),
    ("GreaterCidrNumAddresses", "192.168.0.0/24", "255", True),
    ("GreaterCidrNumAddresses", "192.168.0.0/24", "256", False),
    ("LowerCidrNumAddresses", "192.168.0.0/24", "257", True),
    ("LowerCidrNumAddresses", "192.168.0.0/24", "256", False),
    ("IsRFC1918Address", "172.16.5.4", None, True),
    ("IsRFC1918Address", "172.32.5.4", None, False),
]
