"""For functions of one's own that every integration and script should have; empty as it comes.

A command gets the module of this name that comes with an installed pack, or an empty one; this file serves an author's own tests.
"""
