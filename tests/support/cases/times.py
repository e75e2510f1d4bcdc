"""Operators that move dates: the zone that the text tells stays."""

MONTH = {"variation": "in 1 month"}

TRANSFORMED = [
    ("ModifyDateTime", "2022-05-31T10:00:00+02:00", MONTH, "2022-06-30T10:00:00+02:00"),
    ("ModifyDateTime", "2020-01-01T01:00:00 EST", MONTH, "2020-02-01T01:00:00-05:00"),
    ("ModifyDateTime", "10 May 2021 10:00 UTC", MONTH, "2021-06-10T10:00:00+00:00"),
    ("ModifyDateTime", "31-12-2020", MONTH, "2021-01-31T00:00:00"),
    ("ModifyDateTime", "1999/02/03 12:01:59", MONTH, "1999-03-03T12:01:59"),
    ("ModifyDateTime", "1577836800", MONTH, "2020-02-01T00:00:00"),
    ("ModifyDateTime", "2022-03-01T00:30:00+02:00", {"variation": "1 month ago"}, "2022-02-01T00:30:00+02:00"),
]
