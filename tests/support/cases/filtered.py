"""Filters: what the scripts say."""

FILTERED = [
    ("StringContainsArray", "abc", None, False),
    ("StringContainsArray", "abc", "", False),
    ("StringContainsArray", "abc", ["x", ""], False),
    ("StringContainsArray", "", "a", False),
    ("InRange", "nan", "1,8", False),
    ("InRange", 4, "1,8,x", True),
    ("GreaterCidrNumAddresses", "2001:db8::/64", "256", True),
    ("LowerCidrNumAddresses", "10.0.0.9/30", "5", True),
    ("IsRFC1918Address", "::1", None, False),
    # as System.Version reads them
    ("VersionEqualTo", "1.2", "1.2", True),
    ("VersionEqualTo", "1.02", " 1 .2", True),
    ("VersionEqualTo", "1.2", "1.2.0", False),
    ("VersionLessThan", "1.2", "1.2.0", True),
    ("VersionLessThan", "1.2.3.4", "1.2.3.10", True),
    ("VersionGreaterThan", "1.10", "1.9", True),
]
