"""Instance parameters: from what a person typed to what is stored, and from there to what the code gets.

Source: content.md §1.3.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Final

from casemirror.content.integration import Parameter, ParamType
from casemirror.content.items import Integration
from casemirror.model.errors import Invalid
from casemirror.model.values import ZERO_TIME, Json, canonical, is_empty

_BOOLEANS: Final = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
    "": False,
}
_PARTS: Final = ("identifier", "password", "credential", "passwordChanged")
"""Keys of a credentials value that a person may give."""
_STORED_CREDENTIAL: Final[Mapping[str, Json]] = {
    "id": "",
    "name": "",
    "user": "",
    "password": "",
    "workgroup": "",
    "sshkey": "",
    "sshkeyPass": "",
    "vaultInstanceId": "",
    "locked": False,
    "version": 0,
    "modified": ZERO_TIME,
    "sortValues": None,
}


def secret_names(integration: Integration) -> frozenset[str]:
    """Names of the parameters whose values are stored encrypted."""
    return frozenset(p.name for p in integration.params if p.is_secret)


def split(integration: Integration, values: Mapping[str, Json]) -> tuple[dict[str, Json], dict[str, Json]]:
    """Part checked values into those stored in the open and those stored encrypted."""
    secret = secret_names(integration)
    return {k: v for k, v in values.items() if k not in secret}, {k: v for k, v in values.items() if k in secret}


def defaults(integration: Integration) -> dict[str, Json]:
    """What a new instance starts with."""
    return {p.name: p.default for p in integration.params if p.has_value and p.default is not None}


def check(
    integration: Integration, given: Mapping[str, Json], *, stored: Mapping[str, Json] | None = None
) -> dict[str, Json]:
    """Convert and check what a person gave; returns values in their run-time types, ready for `split`.

    given     name → text or JSON; ``credentials.password`` (one part of a credentials parameter) is a name too
    stored    values an existing instance has, secrets included: given ones are laid over them and no default is applied.
              None: a new instance, which starts with the defaults
    Raises Invalid: all unknown names with near matches, else all bad values, else all that is required and missing.
    """
    named = _by_parameter(integration, given)
    values = dict(defaults(integration) if stored is None else stored)
    wrong = []
    for name, value in named.items():
        parameter = integration.param(name)
        try:
            values[name] = _convert(parameter, value, values.get(name)) if parameter else value
        except Invalid as error:
            wrong.append(error.message)
    if wrong:
        raise Invalid("; ".join(wrong))
    lacking = [_how(p) for p in integration.params if _lacks(p, values.get(p.name))]
    if lacking:
        raise Invalid(f"{integration.display} needs: " + "; ".join(lacking))
    return values


def full(integration: Integration, stored: Mapping[str, Json], secrets: Mapping[str, Json]) -> dict[str, Json]:
    """Every declared parameter with its run-time value, as `demisto.params()` shows it; unset ones are there too."""
    values = {**stored, **secrets}
    return {p.name: run_time(p, values.get(p.name)) for p in integration.params if p.has_value}


def run_time(parameter: Parameter, value: Json) -> Json:
    """The value that reaches the code: unset text is None, an unset checkbox False, credentials always an object."""
    if parameter.type == ParamType.BOOLEAN:
        return value is True
    if parameter.type == ParamType.CREDENTIALS:
        return _credentials(value)
    if parameter.type == ParamType.MULTI_SELECT:
        return list(value) if isinstance(value, list | tuple) else []
    return None if value == "" else value


def _credentials(value: Json) -> dict[str, Json]:
    """The object of a type 9 parameter, with the inner object that some integrations read."""
    given = value if isinstance(value, Mapping) else {}
    inner = given.get("credentials")
    return {
        "identifier": given.get("identifier") or "",
        "password": given.get("password") or "",
        "passwordChanged": False,
        "credential": given.get("credential") or "",
        "credentials": {**_STORED_CREDENTIAL, **(inner if isinstance(inner, Mapping) else {})},
    }


def _by_parameter(integration: Integration, given: Mapping[str, Json]) -> dict[str, Json]:
    """Gather the parts of credentials under their parameter. Raises Invalid for names that are not declared."""
    named: dict[str, Json] = {}
    unknown = []
    for name, value in given.items():
        parameter, part = _target(integration, name)
        if parameter is None:
            unknown.append(name)
        elif part:
            before = named.get(parameter.name)
            named[parameter.name] = {**(before if isinstance(before, Mapping) else {}), part: value}
        else:
            named[parameter.name] = value
    if unknown:
        raise Invalid("; ".join(_unknown(integration, name) for name in unknown))
    return named


def _target(integration: Integration, name: str) -> tuple[Parameter | None, str]:
    exact = integration.param(name)
    if exact is not None:
        return (exact, "") if exact.has_value else (None, "")
    base, _, part = name.rpartition(".")
    found = integration.param(base)
    return (found, part) if found and found.type == ParamType.CREDENTIALS and part in _PARTS else (None, "")


def _unknown(integration: Integration, name: str) -> str:
    known = [p.name for p in integration.params if p.has_value]
    near = difflib.get_close_matches(name.lower(), [k.lower() for k in known], 3)
    names = [k for k in known if k.lower() in near] or [
        p.name for p in integration.params if p.label.lower() == name.lower()
    ]
    return f"{integration.display} has no parameter {name!r}" + (f"; did you mean {', '.join(names)}?" if names else "")


def _convert(parameter: Parameter, value: Json, before: Json) -> Json:
    """Convert one given value. Raises Invalid, saying what would be right."""
    if parameter.type == ParamType.BOOLEAN:
        return _boolean(parameter, value)
    if parameter.type == ParamType.CREDENTIALS:
        return _given_credentials(parameter, value, before)
    if parameter.type == ParamType.MULTI_SELECT:
        return [_option(parameter, v) for v in _list(value)]
    plain = _text(value)
    if plain and parameter.type in (ParamType.SINGLE_SELECT, ParamType.EXPIRATION, ParamType.REPUTATION):
        return _option(parameter, plain)
    if plain and parameter.type == ParamType.INTERVAL and not (plain.isascii() and plain.isdigit()):
        raise Invalid(f"{parameter.name}: {plain!r} is no whole number of minutes")
    return plain or None


def _boolean(parameter: Parameter, value: Json) -> bool:
    word = _text(value).strip().lower()
    if word not in _BOOLEANS:
        raise Invalid(f"{parameter.name}: {word!r} is neither true nor false")
    return _BOOLEANS[word]


def _given_credentials(parameter: Parameter, value: Json, before: Json) -> Json:
    """Lay the given parts over the ones there were; a whole object may also come as JSON text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, Mapping):
        raise Invalid(f"{parameter.name}: give it in parts: {_give(parameter)}")
    kept = before if isinstance(before, Mapping) else {}
    merged: dict[str, Json] = {"identifier": "", "password": "", **kept}
    for key, part in value.items():
        merged[key] = part if isinstance(part, Mapping) else _text(part)
    return merged


def _option(parameter: Parameter, value: Json) -> str:
    plain = _text(value)
    if not parameter.options or plain in parameter.options:
        return plain
    for option in parameter.options:
        if option.strip().lower() == plain.strip().lower():
            return option
    raise Invalid(f"{parameter.name}: {plain!r} is none of {', '.join(parameter.options)}")


def _list(value: Json) -> list[Json]:
    """A list, its JSON text, or texts parted by commas."""
    if isinstance(value, list | tuple):
        return list(value)
    plain = _text(value).strip()
    if plain.startswith("["):
        try:
            parsed = json.loads(plain)
        except (ValueError, RecursionError):
            parsed = None
        if isinstance(parsed, list):
            return parsed
    return [part.strip() for part in plain.split(",") if part.strip()]


def _text(value: Json) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else canonical(value)


def _lacks(parameter: Parameter, value: Json) -> bool:
    """A required value is missing. A checkbox never is; of credentials the halves that are shown must be there."""
    if not parameter.required or parameter.hidden or not parameter.has_value or parameter.type == ParamType.BOOLEAN:
        return False
    if parameter.type != ParamType.CREDENTIALS:
        return is_empty(value)
    given = value if isinstance(value, Mapping) else {}
    if given.get("credential"):
        return False
    return any(not given.get(half) for half in _halves(parameter))


def _halves(parameter: Parameter) -> Iterable[str]:
    hidden = {"identifier": parameter.hidden_username, "password": parameter.hidden_password}
    return tuple(half for half, is_hidden in hidden.items() if not is_hidden)


def _how(parameter: Parameter) -> str:
    return f"{parameter.label} ({_give(parameter)})"


def _give(parameter: Parameter) -> str:
    """How to give the parameter on a command line."""
    if parameter.type == ParamType.CREDENTIALS:
        return " ".join(f"{parameter.name}.{half}=…" for half in _halves(parameter))
    return f"{parameter.name}=…"
