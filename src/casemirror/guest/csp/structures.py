"""Dicts and lists: leaving out what is empty, looking up, renaming, merging, cutting into pieces."""

from csp import logs, text
from csp.host import demisto

# 0 and False equal none of these: they are values
_NO_VALUES = (None, "", [], {}, ())


def assign_params(keys_to_ignore=None, values_to_ignore=None, **kwargs):
    """The keyword arguments as a dict, without the empty ones: None, '', [], {}, () or those in values_to_ignore.

    keys_to_ignore   names that are left out whatever their value
    """
    ignored_values = _NO_VALUES if values_to_ignore is None else values_to_ignore
    ignored_keys = keys_to_ignore or ()
    return {key: value for key, value in kwargs.items() if key not in ignored_keys and value not in ignored_values}


def remove_nulls_from_dictionary(data):
    """Delete from this very dict the keys whose value is None, '', [], {} or ()."""
    for key in [key for key, value in data.items() if value in _NO_VALUES]:
        del data[key]


def remove_empty_elements(d):
    """Copy of nested data without None, {} and [] at any depth; '' stays, and so do 0 and False."""
    if isinstance(d, dict):
        kept = {key: remove_empty_elements(value) for key, value in d.items()}
        return {key: value for key, value in kept.items() if value not in (None, {}, [])}
    if isinstance(d, list):
        items = [remove_empty_elements(item) for item in d]
        return [item for item in items if item not in (None, {}, [])]
    return d


def dict_safe_get(dict_object, keys, default_return_value=None, return_type=None, raise_return_type=True):
    """Value at a path of keys and list indices, or the default when the path breaks off.

    return_type   type the value must have; TypeError for another one, or the default when raise_return_type is false
    """
    found = dict_object
    try:
        for key in keys:
            found = found[key]
    except (KeyError, TypeError, IndexError, AttributeError):
        found = default_return_value
    if return_type and not isinstance(found, return_type):
        if raise_return_type:
            raise TypeError(f"expected {return_type} at {keys}, found {type(found)}")
        found = default_return_value
    return found


def snakify(src):
    """Copy of a dict with its own keys from camelCase to snake_case."""
    return {text.camel_case_to_underscore(key): value for key, value in src.items()}


def camelize(src, delim=" ", upper_camel=True):
    """Copy of nested data with the keys of every dict in CamelCase."""
    if isinstance(src, list):
        return [camelize(item, delim, upper_camel) for item in src]
    if isinstance(src, dict):
        return {
            text.camelize_string(key, delim, upper_camel): camelize(value, delim, upper_camel)
            if isinstance(value, dict | list)
            else value
            for key, value in src.items()
        }
    return src


def replace_in_keys(src, existing=".", new="_"):
    """Copy of nested data with a text replaced in the keys of every dict."""
    if isinstance(src, list):
        return [replace_in_keys(item, existing, new) for item in src]
    if isinstance(src, dict):
        return {key.replace(existing, new): replace_in_keys(value, existing, new) for key, value in src.items()}
    return src


def createContext(data, id=None, keyTransform=None, removeNull=False):
    """Context from a dict or from a list of them (anything else comes back as it is).

    Dotted keys become nested dicts, the last part of each passed through keyTransform; empty values are left out with
    removeNull; `id` goes in as 'ID' where there is none.
    """
    if isinstance(data, list | tuple):
        return [createContext(item, id, keyTransform, removeNull) for item in data]
    if not isinstance(data, dict):
        return data
    context = _context_of(data, keyTransform, removeNull)
    if id and not context.get("ID"):
        context["ID"] = id
    return context


def _context_of(data, transform, remove_null):
    context = {}
    for key, value in data.items():
        if remove_null and value in _NO_VALUES:
            continue
        *parents, name = key.split(".")
        place = context
        for parent in parents:
            place = place.setdefault(parent, {})
        place[transform(name) if transform else name] = value
    return context


def appendContext(key, data, dedup=False):
    """Add data to what the incident's context has under the key: to the list there, into the dict, or behind the text."""
    existing = demisto.get(demisto.context(), key)
    demisto.setContext(key, _appended(existing, data, dedup) if existing else data)


def _appended(existing, data, dedup):
    if isinstance(existing, dict):
        if not isinstance(data, dict):
            raise TypeError(f"a dict can only take a dict, not {type(data)}")
        return {**existing, **data}
    if isinstance(existing, str):
        if not isinstance(data, str):
            raise TypeError(f"a string can only take a string, not {type(data)}")
        return existing if dedup and data in existing.split(",") else f"{existing},{data}"
    joined = (existing if isinstance(existing, list) else [existing]) + (data if isinstance(data, list) else [data])
    return [item for at, item in enumerate(joined) if item not in joined[:at]] if dedup else joined


def merge_lists(original_list, updated_list, key):
    """Two lists of dicts as one: an element of the second replaces the first's with the same value of `key`, or is added.

    An element of the second with a true `remove` takes the other away and does not stay itself.
    """
    merged = {element[key]: element for element in original_list}
    merged.update((element[key], element) for element in updated_list)
    removed = [value for value, element in merged.items() if element.get("remove") is True]
    if removed:
        logs.LOG(f"merge_lists: removed the elements whose {key} is in {removed}")
    return [element for value, element in merged.items() if value not in removed]


def batch(iterable, batch_size=1):
    """Generator of consecutive slices, each batch_size long but the last."""
    for start in range(0, len(iterable), batch_size):
        yield iterable[start : start + batch_size]
