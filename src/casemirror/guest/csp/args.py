"""Arguments, which may come as text whatever they mean, as the values they mean."""

import json

from csp import results
from csp.host import demisto


def argToList(arg, separator=",", transform=None):
    """A list from an argument.

    Nothing → []; a list as it is; a text in [ ] read as JSON; another text (or one that is no JSON after all) split at the separator,
    each part stripped; anything else → a list of it. `transform` is applied to every element.
    """
    items = _listed(arg, separator)
    return [transform(item) for item in items] if transform else items


def _listed(arg, separator):
    if not arg:
        return []
    if isinstance(arg, list):
        return arg
    if not isinstance(arg, str):
        return [arg]
    if arg[0] == "[" and arg[-1] == "]":
        try:
            return json.loads(arg)
        except ValueError:
            demisto.debug(f"{arg!r} looks like a JSON list and is none; it is split at {separator!r}")
    return [part.strip() for part in arg.split(separator)]


def argToBoolean(value):
    """True for True, 'true', 'yes'; False for False, 'false', 'no' (in any case); ValueError otherwise."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise ValueError("the argument is neither a string nor a boolean")
    if value.lower() in ("true", "yes"):
        return True
    if value.lower() in ("false", "no"):
        return False
    raise ValueError("the argument is none of: true, yes, false, no")


def arg_to_number(arg, arg_name=None, required=False):
    """int from an argument; None for None and '' unless it is required.

    An int as it is; digits or the text of a float (cut off) → int. ValueError for anything else, a float object included.
    """
    if arg is None or arg == "":
        if required:
            raise ValueError(_problem("Missing", arg_name))
        return None
    if isinstance(arg, int):
        return arg
    if isinstance(arg, str):
        try:
            return int(arg) if arg.isdigit() else int(float(arg))
        except (ValueError, OverflowError):
            pass
    raise ValueError(_problem("Invalid number:", arg_name, arg))


def _problem(what, arg_name, arg=None):
    shown = f'"{arg_name}"' if arg_name else "the argument"
    if arg is None:
        return f"{what} {shown}"
    return f'{what} {shown}="{arg}"' if arg_name else f'"{arg}" is not a valid number'


def remove_duplicates_from_list_arg(args, field):
    """The named argument as a list in which nothing repeats; in no order."""
    return list(set(argToList(args.get(field))))


def safe_load_json(json_object):
    """Data from a dict or list (as it is), a text in { } or [ ], or the id of a file's entry; failures go to return_error."""
    if isinstance(json_object, dict | list):
        return json_object
    try:
        if json_object.startswith(("{", "[")) and json_object.endswith(("}", "]")):
            return json.loads(json_object)
        with open(demisto.getFilePath(json_object)["path"], "rb") as file:
            return json.loads(file.read().decode("utf-8"))
    except Exception as err:
        return results.return_error(f"Failed to parse the JSON text or file. Error: {err}")


def get_tenant_account_name():
    """Name of the tenant's account from the server's URL ('acc_…'), '' on a server without tenants."""
    path = demisto.demistoUrls().get("server", "").split("/acc_", 1)
    return "acc_" + path[1].split("/")[0] if len(path) == 2 else ""
