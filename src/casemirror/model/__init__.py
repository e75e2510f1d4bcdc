"""The words casemirror thinks in: incident, entry, link, instance, plan, settings, errors.

Nothing here does I/O and nothing here imports another room; every other room may import this one.
"""
