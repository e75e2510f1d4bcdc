"""Packs: integrations, classifiers, mappers, incident fields and types, read from folders and zips into frozen values.

Reads files, never runs what is in them and never writes to disk; knows no database and no mapping rules.
"""
