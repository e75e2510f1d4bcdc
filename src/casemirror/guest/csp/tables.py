"""Markdown tables."""

import json
from datetime import UTC, datetime

from csp import text

TAB = "\t"
_EMPTY = ("", None, [], (), {})


class JsonTransformer:
    """How the cells of one column are made from nested data.

    flatten     one 'key: value' line for each key of the cell
    keys        show only these keys; the others are left out
    is_nested   look for `keys` at every depth of the cell
    func        overrules all the others: makes the text from the value
    """

    def __init__(self, flatten=False, keys=None, is_nested=False, func=None):
        self.flatten = flatten
        self.keys = set(keys or ())
        self.is_nested = is_nested
        self.func = func

    def json_to_str(self, json_input):
        """The cell's text."""
        if self.func:
            return self.func(json_input)
        if self.flatten or not isinstance(json_input, dict | list | tuple):
            return flattenCell(json_input)
        text = self._text(json_input)
        # what the vendor's tables show: a line break comes before a plain member even at the very beginning, but not before a nested one
        begins_with_plain = isinstance(json_input, dict) and text.startswith("\n***")
        return (text if begins_with_plain else text.removeprefix("\n")).removesuffix("\n")

    def _text(self, value, depth=0):
        """A nested value as text: each plain member begins a line, each nested one ends with a line break of its own."""
        if isinstance(value, dict):
            return "".join(self._member(key, item, depth) for key, item in value.items())
        if not any(isinstance(item, dict | list | tuple) for item in value):
            shown = ", ".join(flattenCell(item) for item in value)
            return f"\n{TAB * depth}***values***: {shown}" if shown and not self.keys else ""
        texts = (_text_of_element(self, item, depth + 1) for item in value)
        return "".join(f"\n{TAB * depth}**-**{text}" for text in texts if text)

    def _member(self, key, item, depth):
        wanted = not self.keys or key in self.keys
        if not isinstance(item, dict | list | tuple):
            return f"\n{TAB * depth}***{key}***: {flattenCell(item)}" if wanted else ""
        if not (wanted or self.is_nested):
            return ""
        below = (JsonTransformer() if wanted else self)._text(item, depth + 1)
        return f"\n{TAB * depth}**{key}**:{below}\n" if below else ""


def _text_of_element(transformer, item, depth):
    """The text of a list's element, to stand behind its mark."""
    if not isinstance(item, dict | list | tuple):
        return "" if transformer.keys else f"{TAB}{flattenCell(item)}"
    text = transformer._text(item, depth)
    return TAB + text[1 + depth :] if text else ""


def formatCell(data, is_pretty=True, json_transform=None):
    """Text of one value: nested data flattened, or made by the JsonTransformer."""
    if json_transform:
        return str(json_transform.json_to_str(data))
    return flattenCell(data, is_pretty)


def flattenCell(data, is_pretty=True):
    """Text of one value as the vendor's tables show it.

    A dict: lines 'key: value'. A list: its elements in lines ended by commas; nested ones as Python writes them, such as {'a': 1}: that
    looks like a mistake, but authors' tests and README files have it so. True and False as in JSON.
    is_pretty   False: nested data as compact JSON
    """
    if data is None:
        return ""
    if isinstance(data, str):
        return data
    if isinstance(data, bytes):
        return data.decode("utf-8", "replace")
    if isinstance(data, bool):
        return "true" if data else "false"
    if isinstance(data, set | frozenset):
        data = sorted(data, key=str)
    if isinstance(data, dict | list | tuple) and not is_pretty:
        return json.dumps(data, default=str, ensure_ascii=False)
    if isinstance(data, dict):
        return "\n".join(f"{key}: {flattenCell(value)}" for key, value in data.items())
    if isinstance(data, list | tuple):
        nested = dict | list | tuple | set
        return ",\n".join(str(item) if isinstance(item, nested) else flattenCell(item) for item in data)
    return str(data)


def tableToMarkdown(
    name,
    t,
    headers=None,
    headerTransform=None,
    removeNull=False,
    metadata=None,
    url_keys=None,
    date_fields=None,
    json_transform_mapping=None,
    is_auto_json_transform=False,
):
    """A Markdown table under the heading `### name` (none without a name); '**No entries.**' when there is nothing.

    t                        a dict (one row), a list of them, or a list of values for the only header
    headers                  names of the columns, in order; the sorted keys of the first row when not given
    headerTransform          function from a column's name to what stands above it
    removeNull               leave out the columns that are empty in every row
    metadata                 a line between heading and table
    url_keys                 keys whose values become links, at any depth
    date_fields              columns that hold epoch milliseconds, shown as UTC times
    json_transform_mapping   {column: JsonTransformer}
    is_auto_json_transform   every column that has none gets a plain JsonTransformer
    """
    headers, rows = _rows(t, [headers] if isinstance(headers, str) else list(headers or []), name)
    if removeNull:
        headers = [header for header in headers if not all(row.get(header) in _EMPTY for row in rows)]
    title = (f"### {name}\n" if name else "") + (f"{metadata}\n" if metadata else "")
    if not rows or not headers:
        return title + "**No entries.**\n"
    transformers = _transformers(headers, json_transform_mapping, is_auto_json_transform)
    lines = [[headerTransform(header) if headerTransform else header for header in headers]]
    lines += [_cells(row, headers, url_keys or (), date_fields or (), transformers) for row in rows]
    return title + _drawn(lines)


def _rows(t, headers, name):
    """(headers, rows as dicts); plain values without a header stand under the table's name."""
    if isinstance(t, dict) and len(t) == 1 and not headers:
        # one key: a table of one column rather than of one row
        (header, values), *_ = t.items()
        return [header], [{header: value} for value in (values if isinstance(values, list) else [values])]
    rows = list(t) if isinstance(t, list | tuple) else [t] if t else []
    if rows and not isinstance(rows[0], dict):
        header, *more = headers or [name]
        if more:
            raise ValueError("a list of plain values fits under one header only")
        return [header], [{header: value} for value in rows]
    if rows and not headers:
        headers = sorted(rows[0], key=str)
    return headers, rows


def _transformers(headers, mapping, is_auto):
    found = dict(mapping or {})
    if is_auto:
        for header in headers:
            found.setdefault(header, JsonTransformer())
    return found


def _cells(row, headers, url_keys, date_fields, transformers):
    linked = text.url_to_clickable_markdown(row, url_keys) if url_keys else row
    cells = []
    for header in headers:
        value = linked.get(header)
        if header in date_fields:
            value = _date(value)
        shown = "" if value is None else formatCell(value, json_transform=transformers.get(header))
        cells.append(text.stringEscapeMD(shown, minimal_escaping=True, escape_multiline=True))
    return cells


def _date(value):
    """Epoch milliseconds as '2024-01-31 10:20:30'; what is no number stays."""
    try:
        return datetime.fromtimestamp(int(value) / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (TypeError, ValueError, OverflowError):
        return value


def _drawn(lines):
    heads, *rows = lines
    drawn = ["|" + "|".join(str(head) for head in heads) + "|", "|" + "---|" * len(heads)]
    drawn += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(drawn) + "\n"


tblToMd = tableToMarkdown


def aws_table_to_markdown(response, table_header):
    """A Markdown table of what an AWS service answered; a dict with a single key is opened, so that what it holds makes the table."""
    if isinstance(response, dict) and len(response) == 1:
        ((key, inner),) = response.items()
        if isinstance(inner, list) and any(not isinstance(item, dict) for item in inner):
            return tableToMarkdown(table_header, [{key: item} for item in inner])
        response = inner if isinstance(inner, dict | list) else response
    return tableToMarkdown(table_header, response)
