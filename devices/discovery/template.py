"""Value templates: Jinja as announcements use it, read by Jinja's own parser and worked out here.

Jinja's sandbox guards attributes; it bounds neither time nor memory, and a template that has begun
can't be ended. So no template is compiled: its tree is walked, each step is paid for, and what is
not written down here (macros, imports, attributes of Python, functions that ask Home Assistant)
is refused. Pure: the same text and the same message give the same value, live and in a backtest.
"""

import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from jinja2 import Environment, TemplateSyntaxError, nodes

from devices.discovery.functions import FILTERS, FUNCTIONS, METHODS, TESTS, is_key
from devices.discovery.limits import LONGEST_TEXT, Budget, TemplateFault
from devices.discovery.values import (
    Namespace,
    Undefined,
    added,
    bounded,
    equal,
    formatted,
    holds,
    items,
    known,
    multiplied,
    number,
    printed,
    raised,
)

LONGEST_TEMPLATE = 4_096  # characters; Zigbee2MQTT's longest, of an event, has 1,700
MOST_NODES = 1_500
DEEPEST = 60  # levels of a template's tree

_UNWORKABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_PARSER = Environment(extensions=["jinja2.ext.loopcontrols"], optimized=False, autoescape=False)


class Template(msgspec.Struct, frozen=True):
    """A template that can be worked out."""

    tree: nodes.Template
    names: frozenset[str]  # that it reads

    def render(self, values: Mapping[str, Any], budget: Budget) -> str:
        """Return what the template makes of these values, trimmed. Raises TemplateFault."""
        run = _Run(dict(values), budget)
        try:
            run.body(self.tree.body)
        except _UNWORKABLE as error:
            raise TemplateFault(f"it can't be worked out ({type(error).__name__})") from None
        return "".join(run.out).strip()


@lru_cache(maxsize=4096)
def read_template(source: str) -> Template | str:
    """Return a template, or in words why it is refused."""
    if len(source) > LONGEST_TEMPLATE:
        return f"a template of {len(source)} characters; at most {LONGEST_TEMPLATE}"
    if max(map(source.count, "([{")) > LONGEST_TEMPLATE // 20:
        return "a template with too many brackets"
    try:
        tree = _PARSER.parse(source)
        return Template(tree, _checked(tree))
    except TemplateSyntaxError as error:
        return f"a template that is no Jinja: {str(error.message)[:80]}"
    except TemplateFault as fault:
        return f"a template that is refused: {fault}"
    except (RecursionError, ValueError, OverflowError):
        return "a template that is refused: it is nested too deeply"


def _checked(tree: nodes.Template) -> frozenset[str]:
    """Return the names that a tree reads. Raises TemplateFault for what is not known here."""
    names: set[str] = set()
    level: list[nodes.Node] = [tree]
    seen = depth = 0
    while level:
        seen, depth = seen + len(level), depth + 1
        if seen > MOST_NODES or depth > DEEPEST:
            raise TemplateFault("it is too large")
        for node in level:
            _check(node)
            if isinstance(node, nodes.Name) and node.ctx == "load":
                names.add(node.name)
        level = [child for node in level for child in node.iter_child_nodes()]
    return frozenset(names)


def _check(node: nodes.Node) -> None:
    if type(node) not in _KNOWN:
        raise TemplateFault(f"{type(node).__name__.casefold()} is not known here")
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise TemplateFault(f"the filter {node.name[:40]!r} is not known here")
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        raise TemplateFault(f"the test {node.name[:40]!r} is not known here")
    if isinstance(node, nodes.For) and node.recursive:
        raise TemplateFault("a loop that calls itself is not known here")
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
        name = node.node.name
        if name not in FUNCTIONS:
            raise TemplateFault(f"the function {name[:40]!r} is not known here")
    if isinstance(node, nodes.Call | nodes.Filter | nodes.Test) and (
        node.dyn_args is not None or node.dyn_kwargs is not None
    ):
        raise TemplateFault("arguments with a star are not known here")


class _Next(Exception):
    """`continue` of the loop in hand."""


class _Leave(Exception):
    """`break` of the loop in hand."""


class _Run:
    """One working out of a template."""

    def __init__(self, values: dict[str, Any], budget: Budget) -> None:
        self.scopes = [values]
        self.budget = budget
        self.out: list[str] = []
        self.length = 0

    # -------------------------------------------------------------- statements

    def body(self, statements: list[nodes.Node]) -> None:
        for statement in statements:
            self.budget.spend()
            _STATEMENTS[type(statement)](self, statement)

    def output(self, node: nodes.Output) -> None:
        for each in node.nodes:
            if isinstance(each, nodes.TemplateData):
                text = each.data
            else:
                text = printed(self.value(each), self.budget)
            self.length += len(text)
            if self.length > LONGEST_TEXT:
                raise TemplateFault(f"it prints more than {LONGEST_TEXT} characters")
            self.out.append(text)

    def assign(self, node: nodes.Assign) -> None:
        self.set(node.target, self.value(node.node))

    def set(self, target: nodes.Node, value: Any) -> None:
        if isinstance(target, nodes.Name):
            self.scopes[-1][target.name] = value
        elif isinstance(target, nodes.NSRef):
            space = self.look_up(target.name)
            if not isinstance(space, Namespace):
                raise TemplateFault(f"{target.name[:40]} is no namespace")
            space.fields[target.attr] = value
        elif isinstance(target, nodes.Tuple):
            parts = list(items(value, self.budget))
            if len(parts) != len(target.items):
                raise TemplateFault("it takes apart what has another number of parts")
            for each, part in zip(target.items, parts, strict=True):
                self.set(each, part)

    def conditional(self, node: nodes.If) -> None:
        for each in (node, *node.elif_):
            if self.value(each.test):
                self.body(each.body)
                return
        self.body(node.else_)

    def loop(self, node: nodes.For) -> None:
        found = list(items(self.value(node.iter), self.budget))
        went = False
        for n, item in enumerate(found):
            fields = {"index": n + 1, "index0": n, "first": n == 0, "last": n == len(found) - 1}
            self.scopes.append({"loop": {**fields, "length": len(found)}})
            try:
                self.set(node.target, item)
                if node.test is None or self.value(node.test):
                    went = True
                    self.body(node.body)
            except _Next:
                continue
            except _Leave:
                break
            finally:
                self.scopes.pop()
        if not went:
            self.body(node.else_)

    def go_on(self, node: nodes.Node) -> None:
        raise _Next

    def leave(self, node: nodes.Node) -> None:
        raise _Leave

    # -------------------------------------------------------------- expressions

    def value(self, node: nodes.Node) -> Any:
        self.budget.spend()
        return _EXPRESSIONS[type(node)](self, node)

    def constant(self, node: nodes.Const) -> Any:
        return bounded(node.value)

    def data(self, node: nodes.TemplateData) -> str:
        return node.data

    def name(self, node: nodes.Name) -> Any:
        return self.look_up(node.name)

    def look_up(self, name: str) -> Any:
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return Undefined(name[:40])

    def sequence(self, node: nodes.List | nodes.Tuple) -> Any:
        self.budget.items(len(node.items))
        made = [self.value(item) for item in node.items]
        return tuple(made) if isinstance(node, nodes.Tuple) else made

    def mapping(self, node: nodes.Dict) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        for pair in node.items:
            key = self.value(pair.key)
            if not is_key(key):
                raise TemplateFault("it makes an object by keys that are no text")
            made[key] = self.value(pair.value)
        return made

    def attribute(self, node: nodes.Getattr) -> Any:
        return self._part(self.value(node.node), node.attr)

    def item(self, node: nodes.Getitem) -> Any:
        whole = known(self.value(node.node))
        if isinstance(node.arg, nodes.Slice):
            return self._slice(whole, node.arg)
        key = self.value(node.arg)
        if isinstance(whole, str | list | tuple) and isinstance(key, int):
            return whole[key] if -len(whole) <= key < len(whole) else Undefined("an item")
        return self._part(whole, key) if is_key(key) else Undefined("an item")

    def _part(self, whole: Any, key: Any) -> Any:
        known(whole)
        if isinstance(whole, Namespace):
            return whole.fields.get(key, Undefined(str(key)[:40]))
        if isinstance(whole, Mapping) and key in whole:
            return whole[key]
        return Undefined(str(key)[:40])

    def _slice(self, whole: Any, node: nodes.Slice) -> Any:
        if not isinstance(whole, str | list | tuple):
            raise TemplateFault("it cuts what is no text and no list")
        bounds = [self.value(each) if each else None for each in (node.start, node.stop, node.step)]
        if not all(each is None or isinstance(each, int) for each in bounds):
            raise TemplateFault("it cuts at what is no whole number")
        (self.budget.length if isinstance(whole, str) else self.budget.items)(len(whole))
        return whole[slice(*bounds)]

    def call(self, node: nodes.Call) -> Any:
        arguments = [self.value(each) for each in node.args]
        named = self._named(node.kwargs)
        called = node.node
        if isinstance(called, nodes.Name):
            return FUNCTIONS[called.name](self.budget, *arguments, **named)
        if not isinstance(called, nodes.Getattr):
            raise TemplateFault("it calls what is no function")
        if isinstance(called.node, nodes.Name) and called.node.name == "dict":
            if called.attr != "from_keys":
                raise TemplateFault(f"dict.{called.attr[:40]} is not known here")
            return FUNCTIONS["dict"](self.budget, *arguments)
        whole = known(self.value(called.node))
        kinds = (found for kind, found in METHODS.items() if isinstance(whole, kind))
        method = next((found[called.attr] for found in kinds if called.attr in found), None)
        if method is None:
            raise TemplateFault(f"the method {called.attr[:40]!r} is not known here")
        return method(self.budget, whole, *arguments, **named)

    def _named(self, arguments: list[Any]) -> dict[str, Any]:
        return {str(each.key): self.value(each.value) for each in arguments}

    def filtered(self, node: nodes.Filter) -> Any:
        value = self.value(node.node) if node.node is not None else ""
        arguments = [self.value(each) for each in node.args]
        named = self._named(node.kwargs)
        return FILTERS[node.name](self.budget, value, *arguments, **named)

    def test(self, node: nodes.Test) -> bool:
        arguments = [self.value(each) for each in node.args]
        return bool(TESTS[node.name](self.budget, self.value(node.node), *arguments))

    def compare(self, node: nodes.Compare) -> bool:
        left = self.value(node.expr)
        for operand in node.ops:
            right = self.value(operand.expr)
            if not self._holds(left, operand.op, right):
                return False
            left = right
        return True

    def _holds(self, left: Any, sign: str, right: Any) -> bool:
        if sign in ("eq", "ne"):
            return equal(left, right, self.budget) == (sign == "eq")
        if sign in ("in", "notin"):
            return holds(right, left, self.budget) == (sign == "in")
        if isinstance(left, str) and isinstance(right, str):
            self.budget.length(min(len(left), len(right)))
            return bool(_ORDER[sign](left, right))
        return bool(_ORDER[sign](number(left), number(right)))

    def both(self, node: nodes.And) -> Any:
        return self.value(node.left) and self.value(node.right)

    def either(self, node: nodes.Or) -> Any:
        return self.value(node.left) or self.value(node.right)

    def negated(self, node: nodes.Not) -> bool:
        return not self.value(node.node)

    def chosen(self, node: nodes.CondExpr) -> Any:
        if self.value(node.test):
            return self.value(node.expr1)
        return self.value(node.expr2) if node.expr2 is not None else Undefined("an else")

    def concat(self, node: nodes.Concat) -> str:
        texts = [printed(self.value(each), self.budget) for each in node.nodes]
        self.budget.length(sum(map(len, texts)))
        return "".join(texts)

    def plus(self, node: nodes.Add) -> Any:
        return added(self.value(node.left), self.value(node.right), self.budget)

    def times(self, node: nodes.Mul) -> Any:
        return multiplied(self.value(node.left), self.value(node.right), self.budget)

    def power(self, node: nodes.Pow) -> Any:
        return raised(self.value(node.left), self.value(node.right))

    def remainder(self, node: nodes.Mod) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(left, str):
            return formatted(left, right if isinstance(right, tuple) else (right,), self.budget)
        return bounded(number(left) % number(right))

    def reckoned(self, node: nodes.BinExpr) -> Any:
        left, right = number(self.value(node.left)), number(self.value(node.right))
        return bounded(_RECKONING[type(node)](left, right))

    def signed(self, node: nodes.UnaryExpr) -> Any:
        value = number(self.value(node.node))
        return -value if isinstance(node, nodes.Neg) else value


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gteq": operator.ge,
    "lt": operator.lt,
    "lteq": operator.le,
}
_RECKONING: dict[type, Callable[[Any, Any], Any]] = {
    nodes.Sub: operator.sub,
    nodes.Div: operator.truediv,
    nodes.FloorDiv: operator.floordiv,
}
_STATEMENTS: dict[type, Callable[[_Run, Any], None]] = {
    nodes.Output: _Run.output,
    nodes.Assign: _Run.assign,
    nodes.If: _Run.conditional,
    nodes.For: _Run.loop,
    nodes.Continue: _Run.go_on,
    nodes.Break: _Run.leave,
}
_EXPRESSIONS: dict[type, Callable[[_Run, Any], Any]] = {
    nodes.Const: _Run.constant,
    nodes.TemplateData: _Run.data,
    nodes.Name: _Run.name,
    nodes.List: _Run.sequence,
    nodes.Tuple: _Run.sequence,
    nodes.Dict: _Run.mapping,
    nodes.Getattr: _Run.attribute,
    nodes.Getitem: _Run.item,
    nodes.Call: _Run.call,
    nodes.Filter: _Run.filtered,
    nodes.Test: _Run.test,
    nodes.Compare: _Run.compare,
    nodes.And: _Run.both,
    nodes.Or: _Run.either,
    nodes.Not: _Run.negated,
    nodes.CondExpr: _Run.chosen,
    nodes.Concat: _Run.concat,
    nodes.Add: _Run.plus,
    nodes.Mul: _Run.times,
    nodes.Pow: _Run.power,
    nodes.Mod: _Run.remainder,
    nodes.Sub: _Run.reckoned,
    nodes.Div: _Run.reckoned,
    nodes.FloorDiv: _Run.reckoned,
    nodes.Neg: _Run.signed,
    nodes.Pos: _Run.signed,
}
_KNOWN = frozenset(
    (
        *(nodes.Template, nodes.Operand, nodes.Pair, nodes.Keyword, nodes.Slice, nodes.NSRef),
        *_STATEMENTS,
        *_EXPRESSIONS,
    )
)
