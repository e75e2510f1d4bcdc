"""Addresses: what the scripts give."""

TRANSFORMED = [
    # once for each range that holds it
    ("IPv4Whitelist", "10.0.0.1, 8.8.8.8", {"cidr_ranges": "10.0.0.0/8,10.0.0.0/24"}, ["10.0.0.1", "10.0.0.1"]),
    ("IPv4Whitelist", ["10.0.0.1"], {"cidr_ranges": ["10.0.0.7/24"]}, ["10.0.0.1"]),
    ("IPv4Blacklist", ["10.0.0.1", "8.8.8.8"], {"cidr_ranges": '["10.0.0.0/8"]'}, ["8.8.8.8"]),
    ("IPv4Blacklist", ["10.0.0.1"], {"cidr_ranges": "10.0.0.0/8"}, None),
    ("IPv4Blacklist", "::1", {"cidr_ranges": "10.0.0.0/8"}, ["::1"]),
]
