"""One field that changed on both sides: what comes of it, by the method that the policy names. Pure.

Source: mirroring.md §2.6.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from casemirror.model.link import Link
from casemirror.model.plan import Method, Policy, Rule
from casemirror.model.values import Json, is_empty, parse_time, same


class CannotMerge(ValueError):
    """These values are no lists, texts or numbers."""


def settle(
    link: Link, name: str, local: Json, remote: Json, policy: Policy, changed: Mapping[str, str]
) -> tuple[Rule, Json]:
    """Which rule decides a conflict, and the value that results; what cannot be merged stays ours.

    changed   field → when its value here last became another
    """
    method = policy.method(name)
    if method in _MERGES:
        try:
            return Rule.CONFLICT_MERGED, _MERGES[method](_agreed(link, name, policy), local, remote)
        except CannotMerge:
            return Rule.CONFLICT_LOCAL, local
    if method is Method.ASK:
        return Rule.CONFLICT_HELD, local
    if method is Method.REMOTE or (method is Method.NEWEST and _remote_is_newer(link, name, changed)):
        return Rule.CONFLICT_REMOTE, remote
    return Rule.CONFLICT_LOCAL, local


def _agreed(link: Link, name: str, policy: Policy) -> Json:
    """What both sides had before; at the first contact nothing, whatever the incident had when it was linked."""
    return link.base.get(name) if policy.first_contact else link.known(name)


def at_first(method: Method) -> Method:
    """What the setting means when an incident meets a remote object that was there before the link.

    Nobody knows then which side changed, so ours is sent over theirs only when a policy says so: by the setting alone the
    remote's values are taken over here.
    """
    return Method.REMOTE if method is Method.LOCAL else method


def meets_by_policy(link: Link, name: str, local: Json, remote: Json, policy: Policy) -> bool:
    """At the first contact both sides have a value of the field, and its method does not simply take the remote's.

    A conflict that waits since then is no other one later.
    """
    meets = policy.first_contact or name in link.conflicts
    if not meets or is_empty(local) or is_empty(remote):
        return False
    method = policy.method(name)
    return method in (Method.LOCAL, Method.ASK) or method in _MERGES


def merges(policy: Policy, name: str) -> bool:
    """The field's method puts both changes together."""
    return policy.method(name) in _MERGES


def counts_when_first_told(policy: Policy, name: str, remote: Json) -> bool:
    """A value of the remote that nobody knew, met by an edit of ours, is a conflict: where a person is to be asked, he is."""
    return policy.method(name) is Method.ASK and not is_empty(remote)


def _remote_is_newer(link: Link, name: str, changed: Mapping[str, str]) -> bool:
    """The remote still had the old value at the last pull, and ours changed before it."""
    if name not in changed or link.last_sync_at is None:
        return False
    at: datetime = parse_time(changed[name])
    return at < link.last_sync_at


def _union(base: Json, local: Json, remote: Json) -> Json:
    """What either side added is there, what either side removed is gone; ours first, in our order."""
    was, ours, theirs = _list(base), _list(local), _list(remote)
    kept = [item for item in ours if _has(theirs, item) or not _has(was, item)]
    return kept + [item for item in theirs if not _has(ours, item) and not _has(was, item)]


def _list(value: Json) -> list[Json]:
    if is_empty(value):
        return []
    if not isinstance(value, list | tuple):
        raise CannotMerge
    return list(value)


def _has(items: list[Json], wanted: Json) -> bool:
    return any(same(item, wanted) for item in items)


def _append(base: Json, local: Json, remote: Json) -> Json:
    """What both sides wrote behind the old text, theirs first; else both texts, one after the other."""
    if not all(is_empty(value) or isinstance(value, str) for value in (base, local, remote)):
        raise CannotMerge
    was, ours, theirs = (str(value or "") for value in (base, local, remote))
    if ours in theirs:
        return theirs
    if theirs in ours:
        return ours
    added = ours.removeprefix(was) if ours.startswith(was) and theirs.startswith(was) else ours
    return f"{theirs.rstrip()}\n{added.strip()}"


def _max(base: Json, local: Json, remote: Json) -> Json:
    return local if _number(local) >= _number(remote) else remote


def _number(value: Json) -> float:
    if is_empty(value):
        return float("-inf")
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise CannotMerge
    return value


_MERGES: Final[Mapping[Method, Callable[[Json, Json, Json], Json]]] = {
    Method.UNION: _union,
    Method.APPEND: _append,
    Method.MAX: _max,
}
