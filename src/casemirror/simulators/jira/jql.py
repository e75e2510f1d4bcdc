"""The part of JQL that a mirror needs: clauses with AND, OR, NOT and brackets, dates in the asker's zone, ORDER BY.

`parse` makes a `Query` and raises `Malformed` with the API's text.  Source: Jira docs "Advanced searching: fields reference,
operators reference, keywords reference"; not supported and refused: WAS, CHANGED and functions other than currentUser() and now().
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from . import fields, workflow
from .issues import Issue

_TOKEN: Final = re.compile(
    r"""\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|(<=|>=|!=|!~|[=<>~(),])|([^\s()=<>!~,"']+))"""
)
_RELATIVE: Final = re.compile(r"([+-]?)(\d+)([wdhm]?)")
_SPANS_S: Final = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "": 60}
_DATE_FORMS: Final = ("%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M", "%Y/%m/%d", "%Y-%m-%d")
_ORDERINGS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq, "!=": operator.ne,
}  # fmt: skip
_PICKS: Final = ("=", "!=", "in", "not in", "is", "is not")


class Malformed(ValueError):
    """The query is refused; the text is the API's."""


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Who asks: decides what `currentUser()` is and what dates mean."""

    user: str
    time_zone: str
    now_s: float


Test = Callable[[Issue, Asker], bool]
Read = Callable[[Issue], Any]


@dataclass(frozen=True, kw_only=True)
class Query:
    """order   (field's reader, descending) from the most important one on"""

    test: Test
    order: Sequence[tuple[Read, bool]]
    issue_keys: frozenset[str]

    def select(self, issues: Iterable[Issue], asker: Asker) -> list[Issue]:
        """The matching issues in order; without ORDER BY the newest key first (observed)."""
        found = sorted(
            (issue for issue in issues if self.test(issue, asker)), key=lambda i: i.id, reverse=not self.order
        )
        for read, descending in reversed(self.order):
            found.sort(key=read, reverse=descending)
        return found


@dataclass(frozen=True)
class _Word:
    text: str
    quoted: bool
    at: int

    @property
    def keyword(self) -> str:
        return "" if self.quoted else self.text.lower()


def parse(text: str) -> Query:
    """The query.  Raises Malformed."""
    return _Parser(text).query()


class _Parser:
    def __init__(self, text: str) -> None:
        self._words = list(_words(text))
        self._next = 0
        self._keys: set[str] = set()

    def query(self) -> Query:
        test = _everything if self._peek() in ("", "order") else self._either()
        order = self._order() if self._take("order") else []
        if self._next < len(self._words):
            raise _unexpected(self._words[self._next], "Expecting either 'OR' or 'AND'")
        return Query(test=test, order=order, issue_keys=frozenset(self._keys))

    def _peek(self) -> str:
        return self._words[self._next].keyword if self._next < len(self._words) else ""

    def _take(self, *keywords: str) -> bool:
        found = [word.keyword for word in self._words[self._next : self._next + len(keywords)]]
        if found != list(keywords):
            return False
        self._next += len(keywords)
        return True

    def _word(self) -> _Word:
        if self._next >= len(self._words):
            raise Malformed("Error in the JQL Query: The query ends too early.")
        self._next += 1
        return self._words[self._next - 1]

    def _either(self) -> Test:
        tests = [self._both()]
        while self._take("or"):
            tests.append(self._both())
        return lambda issue, asker: any(test(issue, asker) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._take("and"):
            tests.append(self._one())
        return lambda issue, asker: all(test(issue, asker) for test in tests)

    def _one(self) -> Test:
        if self._take("not"):
            denied = self._one()
            return lambda issue, asker: not denied(issue, asker)
        if not self._take("("):
            return self._clause()
        inner = self._either()
        if not self._take(")"):
            raise Malformed("Error in the JQL Query: Expecting ')' before the end of the query.")
        return inner

    def _clause(self) -> Test:
        name = self._word()
        sign = self._operator()
        values = self._values() if sign in ("in", "not in") else [self._value()]
        return self._test(name.text, sign, values)

    def _operator(self) -> str:
        for keywords in (("not", "in"), ("is", "not"), ("in",), ("is",)):
            if self._take(*keywords):
                return " ".join(keywords)
        word = self._word()
        if word.quoted or word.text not in (*_ORDERINGS, "~", "!~"):
            raise _unexpected(word, "Expecting operator")
        return word.text

    def _values(self) -> list[str]:
        if not self._take("("):
            raise Malformed("Error in the JQL Query: Expecting '(' after 'in'.")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        if not self._take(")"):
            raise Malformed("Error in the JQL Query: Expecting ')' or ',' in the list of values.")
        return values

    def _value(self) -> str:
        word = self._word()
        if not word.quoted and word.text in "()=<>~,!":
            raise _unexpected(word, "Expecting either a value, list or function")
        if self._take("("):
            if not self._take(")") or word.keyword not in ("currentuser", "now"):
                raise Malformed(f"Unable to find JQL function '{word.text}()'.")
            return f"{word.keyword}()"
        return "" if word.keyword in ("empty", "null") else word.text

    def _order(self) -> list[tuple[Read, bool]]:
        if not self._take("by"):
            raise Malformed("Error in the JQL Query: Expecting 'by' after 'order'.")
        found = []
        while True:
            read = _SORTED.get(_canonical(self._word().text))
            if read is None:
                raise Malformed("Not able to sort using this field.")
            found.append((read, self._take("desc")))
            self._take("asc")
            if not self._take(","):
                return found

    def _test(self, name: str, sign: str, values: list[str]) -> Test:
        field = _canonical(name)
        if field in _DATES:
            return _date_test(name, _DATES[field], sign, values)
        if field in _TEXTS:
            return _text_test(name, _TEXTS[field], sign, values[0])
        if field == "issuekey":
            self._keys |= {value.upper() for value in values}
            return _key_test(sign, values)
        if field not in _PICKED:
            raise Malformed(f"Field '{name}' does not exist or you do not have permission to view it.")
        return _pick_test(name, field, sign, values)


def _words(text: str) -> Iterable[_Word]:
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise Malformed(f"Error in the JQL Query: The character '{text[at:].strip()[0]}' is not understood.")
        quoted = match[1] if match[1] is not None else match[2]
        plain = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else match[3] or match[4]
        yield _Word(plain, quoted is not None, match.start())
        at = match.end()


def _unexpected(word: _Word, wanted: str) -> Malformed:
    return Malformed(f"Error in the JQL Query: {wanted} but got '{word.text}'. (line 1, character {word.at + 1})")


def _everything(issue: Issue, asker: Asker) -> bool:
    return True


def _canonical(name: str) -> str:
    return _ALIASES.get(name.lower(), name.lower())


def _refuse(name: str, sign: str) -> Malformed:
    return Malformed(f"The operator '{sign}' is not supported by the '{name}' field.")


def moment_s(text: str, asker: Asker) -> float:
    """A date of a query → seconds since the epoch: in the asker's zone to the minute, or relative to now.  Raises Malformed.

    An hour that clocks show twice means the second one, as Java's calendar takes it (observed).
    """
    if text == "now()":
        return asker.now_s
    relative = _RELATIVE.fullmatch(text)
    if relative:
        span = int(relative[2]) * _SPANS_S[relative[3]]
        return asker.now_s + (-span if relative[1] == "-" else span)
    for form in _DATE_FORMS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=ZoneInfo(asker.time_zone), fold=1).timestamp()
        except ValueError:
            continue
    raise Malformed(
        f"Date value '{text}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', "
        "'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
    )


def _date_test(name: str, read: Callable[[Issue], float | None], sign: str, values: list[str]) -> Test:
    if sign in ("is", "is not"):
        return lambda issue, _: (read(issue) is None) == (sign == "is")
    compare = _ORDERINGS.get(sign)
    if compare is None:
        raise _refuse(name, sign)
    moment_s(values[0], Asker(user="", time_zone="UTC", now_s=0.0))  # refused before anything is compared

    def test(issue: Issue, asker: Asker) -> bool:
        found = read(issue)
        return found is not None and compare(found, moment_s(values[0], asker))

    return test


def _text_test(name: str, read: Callable[[Issue], str], sign: str, value: str) -> Test:
    """Every word of the value is a word of the text: Jira's analyser without its stems and wildcards."""
    if sign in ("is", "is not"):
        return lambda issue, _: (not read(issue)) == (sign == "is")
    if sign not in ("~", "!~"):
        raise _refuse(name, sign)
    wanted = set(re.findall(r"\w+", value.lower()))
    return lambda issue, _: (wanted <= set(re.findall(r"\w+", read(issue).lower()))) == (sign == "~")


def _key_test(sign: str, values: list[str]) -> Test:
    if sign not in (*_PICKS, "<", "<=", ">", ">="):
        raise _refuse("issuekey", sign)
    if sign in ("<", "<=", ">", ">="):
        project, _, number = values[0].upper().rpartition("-")
        compare = _ORDERINGS[sign]
        return lambda issue, _: issue.project == project and compare(_number(issue), int(number or 0))
    wanted = {value.upper() for value in values}
    is_denied = sign in ("!=", "not in", "is not")
    return lambda issue, _: bool(wanted & {issue.key, str(issue.id)}) != is_denied


def _pick_test(name: str, field: str, sign: str, values: list[str]) -> Test:
    if sign not in _PICKS:
        raise _refuse(name, sign)
    read, known = _PICKED[field]
    for value in values:
        if value and known is not None and value.lower() not in known:
            raise Malformed(f"The value '{value}' does not exist for the field '{name}'.")
    is_denied = sign in ("!=", "not in", "is not")

    def test(issue: Issue, asker: Asker) -> bool:
        wanted = {asker.user.lower() if value == "currentuser()" else value.lower() for value in values}
        found = {value.lower() for value in read(issue)} or {""}
        if is_denied and found == {""} and "" not in wanted:
            return False  # an empty field is neither equal nor unequal to a value
        return bool(found & wanted) != is_denied

    return test


def _number(issue: Issue) -> int:
    return int(issue.key.rpartition("-")[2])


def _value(field: str) -> Callable[[Issue], tuple[str, ...]]:
    return lambda issue: (issue.values[field],) if issue.values[field] else ()


def _lower(known: Iterable[str]) -> frozenset[str]:
    return frozenset(value.lower() for value in known)


def _named(known: Mapping[str, str]) -> frozenset[str]:
    return _lower(known) | frozenset(known.values())


_ALIASES: Final = {
    "key": "issuekey", "id": "issuekey", "issue": "issuekey", "type": "issuetype", "createddate": "created", "updateddate": "updated",
    "resolved": "resolutiondate", "due": "duedate",
}  # fmt: skip
_DATES: Final[Mapping[str, Callable[[Issue], float | None]]] = {
    "created": lambda issue: issue.created_s,
    "updated": lambda issue: issue.updated_s,
    "resolutiondate": lambda issue: issue.resolved_s,
    "duedate": lambda issue: _due_s(issue),
}
_TEXTS: Final[Mapping[str, Callable[[Issue], str]]] = {
    "summary": lambda issue: issue.values["summary"],
    "description": lambda issue: issue.values["description"] or "",
    "comment": lambda issue: "\n".join(comment.body for comment in issue.comments),
    "text": lambda issue: "\n".join(read(issue) for name, read in _TEXTS.items() if name != "text"),
}
_PICKED: Final[Mapping[str, tuple[Callable[[Issue], tuple[str, ...]], frozenset[str] | None]]] = {
    "project": (
        lambda issue: (issue.project, fields.PROJECTS[issue.project].id, fields.PROJECTS[issue.project].name),
        _lower(word for project in fields.PROJECTS.values() for word in (project.key, project.id, project.name)),
    ),
    "status": (
        lambda issue: (issue.status, workflow.STATUSES[issue.status].id),
        _lower(word for status in workflow.STATUSES.values() for word in (status.name, status.id)),
    ),
    "statuscategory": (
        lambda issue: _category(issue),
        _lower(word for key, (_, name, _) in workflow.CATEGORIES.items() for word in (key, name)),
    ),
    "priority": (_value("priority"), _named(fields.PRIORITIES)),
    "issuetype": (_value("issuetype"), _named(fields.TYPES)),
    "resolution": (
        lambda issue: (issue.resolution or "unresolved",),
        _named(fields.RESOLUTIONS) | frozenset(("unresolved",)),
    ),
    "assignee": (_value("assignee"), None),
    "reporter": (_value("reporter"), None),
    "creator": (lambda issue: (issue.creator,), None),
    "labels": (lambda issue: issue.values["labels"], None),
}
_SORTED: Final[Mapping[str, Read]] = {
    # the index keeps times to the second (observed)
    "updated": lambda issue: int(issue.updated_s),
    "created": lambda issue: int(issue.created_s),
    "issuekey": lambda issue: (issue.project, _number(issue)),
    "priority": lambda issue: -int(fields.PRIORITIES[issue.values["priority"]]),
    "status": lambda issue: int(workflow.STATUSES[issue.status].id),
    "summary": lambda issue: issue.values["summary"].lower(),
}


def _category(issue: Issue) -> tuple[str, ...]:
    key = workflow.STATUSES[issue.status].category
    return key, workflow.CATEGORIES[key][1]


def _due_s(issue: Issue) -> float | None:
    due = issue.values["duedate"]
    return None if due is None else datetime.fromisoformat(due).replace(tzinfo=UTC).timestamp()
