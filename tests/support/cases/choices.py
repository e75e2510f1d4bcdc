"""`If-Then-Else` where it is easily got wrong: every result is that of the public script."""

EITHER = {"then": "yes", "else": "no"}
IN_LIST = {**EITHER, "condition": "value in list rhs"}
MATCH = {**EITHER, "condition": "value=~rhs"}

TRANSFORMED = [
    # without a condition only `equals` counts
    ("If-Then-Else", "a", {**EITHER, "rhs": "a"}, "no"),
    ("If-Then-Else", "a", {**EITHER, "equals": "a", "rhs": "b"}, "yes"),
    # nothing chosen is the empty text
    ("If-Then-Else", "a", {"equals": "a"}, ""),
    ("If-Then-Else", "a", {"equals": "b", "then": "yes"}, ""),
    ("If-Then-Else", "a", {"equals": "a", "then": "null", "options": "input_data_type:then=json"}, ""),
    # types
    ("If-Then-Else", "a", {**EITHER, "equals": "a", "options": "input_data_type:then=value"}, "a"),
    ("If-Then-Else", "a", {**EITHER, "equals": "b", "options": "input_data_type:else=value"}, "a"),
    ("If-Then-Else", "a", {**EITHER, "equals": "a", "options": "input_data_type:then=raw"}, "yes"),
    ("If-Then-Else", "a", {**EITHER, "condition": "lhs==value", "lhs": "q", "options": "input_data_type:lhs=value"}, "yes"),
    ("If-Then-Else", "a", {"equals": "a", "then": 5, "options": "input_data_type:then=json"}, 5),
    ("If-Then-Else", "5", {**EITHER, "condition": "lhs>rhs", "lhs": "10", "rhs": "9"}, "no"),
    ("If-Then-Else", "5", {**EITHER, "condition": "lhs>rhs", "lhs": "10", "rhs": "9", "options": "input_data_type:lhs=json, input_data_type:rhs=json"}, "yes"),
    # what a side does not use is not read
    ("If-Then-Else", "a", {**EITHER, "condition": "value==rhs", "lhs": "{", "rhs": "a", "options": "input_data_type:lhs=json"}, "yes"),
    # sides
    ("If-Then-Else", "a", {**EITHER, "condition": "rhs==lhs", "lhs": "1", "rhs": "1"}, "yes"),
    ("If-Then-Else", "a", {**EITHER, "condition": "lhs==rhs"}, "yes"),
    # lists hold texts
    ("If-Then-Else", True, {**IN_LIST, "rhs": "true,x"}, "yes"),
    ("If-Then-Else", 1, {**IN_LIST, "rhs": "1.0"}, "no"),
    ("If-Then-Else", "b", {**IN_LIST, "rhs": '["a", "b"]'}, "yes"),
    ("If-Then-Else", "1", {**IN_LIST, "rhs": "[1]"}, "no"),
    ("If-Then-Else", "B", {**IN_LIST, "rhs": "a,b", "options": "case_insensitive"}, "yes"),
    ("If-Then-Else", "a", IN_LIST, "no"),
    # patterns: what is found first must be all
    ("If-Then-Else", "ab", {**MATCH, "rhs": "a|ab", "options": "regex_full_match"}, "no"),
    ("If-Then-Else", "ab", {**MATCH, "rhs": "ab|a", "options": "regex_full_match"}, "yes"),
    ("If-Then-Else", "ab", {**MATCH, "rhs": "x", "options": "regex_full_match"}, "no"),
    ("If-Then-Else", True, {**MATCH, "rhs": "^true"}, "yes"),
]  # fmt: skip
