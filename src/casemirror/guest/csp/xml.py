"""XML as JSON and back.

An element with neither attributes nor children is its text (None when it has none); any other is a dict of '@attribute', child and '#text'.
Several children of one name are a list.
"""

import json
import xml.etree.ElementTree as ET


def xml2json(xmlstring, options=None, strip_ns=1, strip=1):
    """JSON text of an XML text (or bytes).

    strip_ns   names without their namespace
    strip      texts without the white space around them
    `options` is there for older callers and does nothing.
    """
    root = ET.fromstring(xmlstring)
    return json.dumps({_name(root.tag, strip_ns): _value(root, strip_ns, strip)})


def json2xml(json_obj, factory=ET.Element):
    """XML bytes of a JSON text or a dict with exactly one key."""
    data = json.loads(json_obj) if isinstance(json_obj, str | bytes) else json_obj
    if not isinstance(data, dict) or len(data) != 1:
        raise ValueError("XML has exactly one root: the data must be a dict with one key")
    ((name, value),) = data.items()
    return ET.tostring(_element(name, value, factory), encoding="utf-8")


def _name(tag, strip_ns):
    return tag.split("}", 1)[1] if strip_ns and tag.startswith("{") else tag


def _value(element, strip_ns, strip):
    text = element.text.strip() if strip and element.text else element.text
    found = {f"@{_name(name, strip_ns)}": value for name, value in element.attrib.items()}
    for child in element:
        name, value = _name(child.tag, strip_ns), _value(child, strip_ns, strip)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    if not found:
        return text or None
    if text:
        found["#text"] = text
    return found


def _element(name, value, factory):
    element = factory(name, {})
    if not isinstance(value, dict):
        element.text = None if value is None else str(value)
        return element
    for key, item in value.items():
        if key == "#text":
            element.text = str(item)
        elif key.startswith("@"):
            element.set(key[1:], str(item))
        else:
            element.extend(_element(key, each, factory) for each in (item if isinstance(item, list) else [item]))
    return element
