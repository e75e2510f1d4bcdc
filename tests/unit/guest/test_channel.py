"""Whatever an integration hands over becomes JSON; it never fails the command."""

import collections
import datetime
import decimal
import enum
import json
import types

import pytest
from channel import encode


class Colour(enum.Enum):
    RED = "red"


class Odd:
    def __str__(self):
        raise RuntimeError("no text")


CIRCLE = {}
CIRCLE["self"] = CIRCLE
DEEP = []
for _ in range(5000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.UTC), "2024-01-02T03:04:05+00:00"),
        (datetime.date(2024, 1, 2), "2024-01-02"),
        ({"b", "a"}, ["a", "b"]),
        (b"text", "text"),
        (b"\xff\x00", "/wA="),
        ((1, 2), [1, 2]),
        ({1: "a", None: "b", (1, 2): "c"}, {"1": "a", "None": "b", "(1, 2)": "c"}),
        (decimal.Decimal("1.50"), "1.50"),
        (Colour.RED, "red"),
        (collections.OrderedDict(a=1), {"a": 1}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        ((n for n in range(2)), [0, 1]),
        ({"a": 1}.keys(), ["a"]),
        ("\ud800", "?"),
        ("ä\x00", "ä\x00"),
        (Odd(), "<Odd without a text: RuntimeError>"),
        ({"deep": {Colour.RED: {1}}}, {"deep": {"Colour.RED": [1]}}),
    ],
)
def test_the_nearest_json_form(value, expected):
    """Results hold what remotes and libraries gave."""
    assert json.loads(encode({"value": value}))["value"] == expected


@pytest.mark.parametrize("value", [CIRCLE, DEEP])
def test_circles_and_abysses_end(value):
    """They are cut, the rest is kept."""
    assert b"nested too deep" in encode({"value": value, "say": "result"})


def test_nan_is_tolerated():
    """The server reads it as null."""
    assert b"NaN" in encode({"value": float("nan")})
