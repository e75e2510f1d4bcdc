"""Classify, map in, map out: pure functions over JSON and the catalog.

No function here raises for any JSON input, reads a clock or a file, or changes what it is given. What cannot be
mapped is left out of the result and named in a warning.
"""
