"""A tiny, safe evaluator for the JavaScript expressions that mappers contain: `val.toLowerCase().indexOf("x") > -1 ? "a" : "b"`.

It has literals, lists, `val` with its members, a few text methods, the operators and `?:`. There is no assignment, no
function, no loop, so every expression ends. What it cannot do goes to the embedded engine (`javascript`), a hundred times
slower. Values are JSON; undefined is NOTHING.
Source: content.md §7.3; MAP-018, MAP-062, MAP-069.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, TypeAlias

from casemirror.mapping import javascript
from casemirror.mapping.script_values import add, compare, is_true, member, method, same_loosely, same_strictly
from casemirror.mapping.value import NOTHING, OperatorFailed, Value, finite, json_of, number_of
from casemirror.model.values import Json

MAX_LENGTH: Final = 4000
_MAX_DEPTH: Final = 60

Node: TypeAlias = Callable[[Value], Value]
"""An expression, ready to be evaluated with `val`."""

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_$][\w$]*)|(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<sign>===|!==|==|!=|<=|>=|&&|\|\||[-+*/%<>!?:.,()\[\]]))""",
    re.DOTALL,
)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}
_CONSTANTS: Final[Mapping[str, Value]] = {"true": True, "false": False, "null": None, "undefined": NOTHING}
_LEVELS: Final = (("||",), ("&&",), ("==", "!=", "===", "!=="), ("<", ">", "<=", ">="), ("+", "-"), ("*", "/", "%"))
"""Binary operators, weakest first."""


def evaluate(text: str, val: Value, now: datetime | None = None) -> Value:
    """Evaluate an expression with `val`. Raises OperatorFailed.

    now   the present, for expressions that ask for it
    """
    try:
        return compile_script(text)(val)
    except (OperatorFailed, ArithmeticError) as simple:
        try:
            return javascript.evaluate(text, val, now)
        except javascript.NoEngine as error:
            raise OperatorFailed(f"{simple} ({error})") from None


@lru_cache(maxsize=1000)
def compile_script(text: str) -> Node:
    """Parse an expression (without the leading ``.=``). Raises OperatorFailed."""
    if len(text) > MAX_LENGTH:
        raise OperatorFailed(f"an expression of more than {MAX_LENGTH} characters")
    parser = _Parser(_tokens(text.strip().rstrip(";")))
    node = parser.ternary(0)
    parser.end()
    return node


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise OperatorFailed(f"cannot read the expression at {text[at : at + 12].strip()!r}")
        found.append(_Token(match.lastgroup, match.group(match.lastgroup)))
        at = match.end()
    return found


class _Parser:
    """Recursive descent; each method returns the node of what it has read."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens, self._at = tokens, 0

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise OperatorFailed(f"unexpected {self._tokens[self._at].text!r} in the expression")

    def _is(self, *signs: str) -> bool:
        if self._at >= len(self._tokens):
            return False
        token = self._tokens[self._at]
        return token.kind == "sign" and token.text in signs

    def _accept(self, *signs: str) -> str:
        if not self._is(*signs):
            return ""
        self._at += 1
        return self._tokens[self._at - 1].text

    def _need(self, sign: str) -> None:
        if not self._accept(sign):
            raise OperatorFailed(f"the expression lacks {sign!r}")

    def _next(self) -> _Token:
        if self._at >= len(self._tokens):
            raise OperatorFailed("the expression ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def ternary(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise OperatorFailed("the expression is nested too deeply")
        test = self._binary(0, depth)
        if not self._accept("?"):
            return test
        yes = self.ternary(depth + 1)
        self._need(":")
        no = self.ternary(depth + 1)
        return lambda val: yes(val) if is_true(test(val)) else no(val)

    def _binary(self, level: int, depth: int) -> Node:
        if level == len(_LEVELS):
            return self._unary(depth)
        node = self._binary(level + 1, depth)
        while sign := self._accept(*_LEVELS[level]):
            node = _combine(sign, node, self._binary(level + 1, depth))
        return node

    def _unary(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise OperatorFailed("the expression is nested too deeply")
        sign = self._accept("!", "-", "+")
        if not sign:
            return self._postfix(depth)
        inner = self._unary(depth + 1)
        if sign == "!":
            return lambda val: not is_true(inner(val))
        return lambda val: number_of(inner(val)) * (-1 if sign == "-" else 1)

    def _postfix(self, depth: int) -> Node:
        node = self._primary(depth)
        while sign := self._accept(".", "["):
            if sign == "[":
                node = _indexed(node, self.ternary(depth + 1))
                self._need("]")
                continue
            name = self._next()
            if name.kind != "name":
                raise OperatorFailed(f"unexpected {name.text!r} after a dot")
            node = self._call(node, name.text, depth) if self._accept("(") else _indexed(node, _constant(name.text))
        return node

    def _call(self, node: Node, name: str, depth: int) -> Node:
        arguments = self._list(")", depth)
        return lambda val: method(node(val), name, [a(val) for a in arguments])

    def _list(self, closing: str, depth: int) -> list[Node]:
        nodes: list[Node] = []
        while not self._accept(closing):
            if nodes:
                self._need(",")
            nodes.append(self.ternary(depth + 1))
        return nodes

    def _primary(self, depth: int) -> Node:
        token = self._next()
        if token.kind == "number":
            return _constant(number_of(token.text))
        if token.kind == "text":
            return _constant(_unescape(token.text[1:-1]))
        if token.kind == "name":
            return _named(token.text)
        if token.text == "(":
            inner = self.ternary(depth + 1)
            self._need(")")
            return inner
        if token.text == "[":
            items = self._list("]", depth)
            return lambda val: [json_of(item(val)) for item in items]
        raise OperatorFailed(f"unexpected {token.text!r} in the expression")


def _constant(value: Value) -> Node:
    return lambda val: value


def _named(name: str) -> Node:
    if name == "val":
        return lambda val: val
    if name not in _CONSTANTS:
        raise OperatorFailed(f"the expression uses {name!r}, which is not supported")
    return _constant(_CONSTANTS[name])


def _indexed(node: Node, key: Node) -> Node:
    return lambda val: member(node(val), key(val))


def _unescape(text: str) -> str:
    """Resolve the escapes of a text literal."""
    simple = re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text)
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), simple, flags=re.DOTALL)


def _combine(sign: str, left: Node, right: Node) -> Node:
    if sign == "&&":
        return lambda val: right(val) if is_true(found := left(val)) else found
    if sign == "||":
        return lambda val: found if is_true(found := left(val)) else right(val)
    return lambda val: _binary(sign, left(val), right(val))


def _binary(sign: str, left: Value, right: Value) -> Json | Value:
    if sign in ("==", "!="):
        return same_loosely(left, right) is (sign == "==")
    if sign in ("===", "!=="):
        return same_strictly(left, right) is (sign == "===")
    if sign in ("<", ">", "<=", ">="):
        return compare(sign, left, right)
    if sign == "+":
        return add(left, right)
    a, b = number_of(left), number_of(right)
    if sign == "-":
        return finite(a - b)
    if sign == "*":
        return finite(a * b)
    return finite(a / b if sign == "/" else a % b)
