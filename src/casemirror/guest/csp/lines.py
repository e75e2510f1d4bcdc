"""Where the lines of a script that was glued together came from, so that tracebacks name a line of its source.

A unified integration marks the start and the end of each part with register_module_line; a part may lie inside another one.
"""

import re
import sys

# {module: {"start": line, "start_wrapper": line, "end": line, "end_wrapper": line}}, lines of the glued script
_MODULES_LINE_MAPPING = {}


def __line__():
    """Number of the line that this is called in."""
    return sys._getframe(1).f_lineno


def register_module_line(module_name, start_end, line, wrapper=0):
    """Note the line where a module starts or ends ('start' or 'end').

    wrapper   lines between this mark and the module's own text
    Never fails: it runs before the integration, which a wrong mark must not stop.
    """
    if start_end not in ("start", "end") or not isinstance(line, int) or line < 0 or not isinstance(wrapper, int):
        return
    marks = _MODULES_LINE_MAPPING.setdefault(module_name, {})
    marks[start_end] = line
    marks[f"{start_end}_wrapper"] = line + (wrapper if start_end == "start" else -wrapper)


def _find_line(line):
    """(module, line in it): the innermost module around a line of the glued script; ('', line) when there is none."""
    around = [
        (marks["start"], name, marks)
        for name, marks in _MODULES_LINE_MAPPING.items()
        if "start" in marks and marks["start"] <= line <= marks.get("end", line)
    ]
    if not around:
        return "", line
    start, name, marks = max(around, key=lambda found: found[0])
    parts = [other for other in _MODULES_LINE_MAPPING.values() if other is not marks and "end" in other]
    inside = sum(
        other["end"] - other["start"] + 1 for other in parts if start < other.get("start", 0) and other["end"] < line
    )
    return name, line - marks["start_wrapper"] - inside


def fix_traceback_line_numbers(trace_str):
    """The traceback with the lines of glued scripts ('<string>') told as lines of their modules."""

    def fixed(found):
        module, line = _find_line(int(found[1]))
        return f'File "<{module}>", line {line},' if module else found[0]

    return re.sub(r'File "<string>", line (\d+),', fixed, trace_str)
