"""Yours to fill: `from CommonServerUserPython import *` brings these names to every integration, script and author's test.

Empty as it comes. It finds nothing defined: what it needs of CommonServerPython it imports itself.
"""
