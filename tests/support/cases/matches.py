"""Operators that take texts apart: what is not like Python's own patterns."""

TRANSFORMED = [
    ("RegexExtractAll", "faceted", {"regex": "[a-z--[aeiou]]+"}, ["f", "c", "t", "d"]),
    ("RegexExtractAll", "a1b", {"regex": r"([a-z])(\d)?"}, [["a", "1"], ["b", ""]]),
]
