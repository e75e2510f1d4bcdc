"""casemirror keeps incidents and tickets in several systems the same, both ways."""

__version__ = "0.1.0"
