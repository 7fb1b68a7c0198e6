"""The part of XPath that people give to ``cibadmin --xpath``, on our elements.

Steps (``/tag``, ``//tag``, ``*``, ``..``, and the axes ``child``, ``descendant``, ``parent``,
``ancestor`` and ``self``), several paths joined by ``|``, an attribute at the end (``//op/@id``:
the elements that have it), and conditions: attributes (``[@id]``, ``[@id='x']``, ``[@score>5]``),
paths from there (``[op/@timeout]``, ``[../@id='g']``), ``contains``, ``starts-with``, ``not``, a
place (``[2]``, ``[last()]``, ``[position()<3]``), joined by ``and`` and ``or``. Anything else is
refused: it is never quietly understood as something else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from crmsh_py.cib.element import Element
from crmsh_py.regex import regex
from crmsh_py.tools.common import ToolUsageError
from crmsh_py.value import frozen

_TOKEN = regex(
    r"""\s*(//|::|\.\.|[!<>]=|[/\[\]()@|=<>,*]|'[^']*'|"[^"]*"|"""
    r"""-?\d+(?:\.\d+)?|[A-Za-z_][\w.-]*)"""
)
_NUMBER = regex(r"\s*-?(\d+(\.\d*)?|\.\d+)\s*")
_AXES = ("child", "descendant", "parent", "ancestor", "self")
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": float.__eq__,
    "!=": float.__ne__,
    "<": float.__lt__,
    "<=": float.__le__,
    ">": float.__gt__,
    ">=": float.__ge__,
}
_NAME = regex(r"[A-Za-z_][\w.-]*")
_MAX_LENGTH = 4096
_MAX_DEPTH = 32

# Whether an element holds, with its place among those of its parent (from 1) and their number.
Condition = Callable[[Element, int, int], bool]


# Above which element each one is, by its ``id()``.
_Parents = dict[int, Element]


@frozen
class _Step:
    """One step: how deep it looks and which way, for which tag, and what must hold."""

    deep: bool
    tag: str  # "*" any element; "" the document, too
    conditions: tuple[Condition, ...]
    axis: str = "child"


@frozen
class _Path:
    """The steps to elements, and an attribute that these must have ('' for none)."""

    steps: tuple[_Step, ...]
    parents: _Parents
    attribute: str = ""

    def select(self, context: Element) -> list[Element]:
        """The elements to which it leads from ``context``, each once."""
        found = [context]
        for step in self.steps:
            inside = {id(e): e for start in found for e in _taken(start, step, self.parents)}
            found = list(inside.values())
        return [e for e in found if not self.attribute or self.attribute in e.attrs]


def select(root: Element, path: str) -> list[Element]:
    """The elements that the path names, in document order. Raises ToolUsageError."""
    parents: _Parents = {}
    paths = _Reader(path if path.startswith("/") else f"//{path}", parents).paths()
    above = Element("", {}, (root,))
    for holder in (above, *root.iter()):
        parents.update((id(child), holder) for child in holder.findall())
    named = {id(element) for each in paths for element in each.select(above)}
    return [element for element in root.iter() if id(element) in named]


def _taken(start: Element, step: _Step, parents: _Parents) -> Iterable[Element]:
    for holder in (start, *_below(start)) if step.deep else (start,):
        there = _on_axis(holder, step.axis, parents)
        found = [
            e for e in there if not step.tag or step.tag == e.tag or (step.tag == "*" and e.tag)
        ]
        for condition in step.conditions:
            number = len(found)
            found = [e for at, e in enumerate(found, 1) if condition(e, at, number)]
        yield from found


def _on_axis(holder: Element, axis: str, parents: _Parents) -> Iterable[Element]:
    """What is there in one direction, the nearest first: so places are counted."""
    if axis == "child":
        return holder.findall()
    if axis == "descendant":
        return _below(holder)
    if axis == "self":
        return (holder,)
    above = []
    while (parent := parents.get(id(holder))) is not None:
        above.append(parent)
        holder = parent
    return above[:1] if axis == "parent" else above


def _below(element: Element) -> Iterator[Element]:
    for child in element.findall():
        yield child
        yield from _below(child)


def _number(text: str) -> float:
    """The number that a text is, as XPath reads it; what is none is equal to nothing."""
    return float(text) if _NUMBER.fullmatch(text) else float("nan")


class _Reader:
    """Reads a path by its tokens."""

    def __init__(self, text: str, parents: _Parents) -> None:
        self._text = text
        self._parents = parents
        self._tokens: list[tuple[str, int]] = []
        self._at = 0
        self._depth = 0
        position = 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if match is None or len(text) > _MAX_LENGTH:
                raise self._refusal(position)
            self._tokens.append((match[1], match.start(1)))
            position = match.end()

    def paths(self) -> list[_Path]:
        """All paths of the text."""
        found = [self._path()]
        while self._took("|"):
            found.append(self._path())
        if self._at < len(self._tokens):
            raise self._refusal()
        return found

    def _path(self) -> _Path:
        steps: list[_Step] = []
        while (separator := self._next()) in ("/", "//"):
            self._at += 1
            if self._took("@"):
                if separator == "//":  # attributes of what is anywhere below
                    steps.append(_Step(True, "*", ()))
                return _Path(tuple(steps), self._parents, self._name())
            steps.append(self._step(deep=separator == "//"))
        if not steps:
            raise self._refusal()
        return _Path(tuple(steps), self._parents)

    def _step(self, *, deep: bool) -> _Step:
        if self._took(".."):
            return _Step(deep, "", (), "parent")
        axis = "child"
        if self._next() in _AXES and self._after() == "::":
            axis = self._next()
            self._at += 2
        tag = "*" if self._took("*") else self._name()
        conditions = []
        while self._took("["):
            conditions.append(self._place() or self._any_of())
            self._must("]")
        return _Step(deep, tag, tuple(conditions), axis)

    def _place(self) -> Condition | None:
        if self._next().isdecimal():
            place = int(self._next())
            self._at += 1
            return lambda _element, at, _number: at == place
        if self._word("last"):
            self._must(")")
            return lambda _element, at, number: at == number
        return None

    def _any_of(self) -> Condition:
        parts = [self._all_of()]
        while self._took("or"):
            parts.append(self._all_of())
        return lambda *there: any(part(*there) for part in parts)

    def _all_of(self) -> Condition:
        parts = [self._one()]
        while self._took("and"):
            parts.append(self._one())
        return lambda *there: all(part(*there) for part in parts)

    def _one(self) -> Condition:
        if self._word("not"):
            inner = self._nested()
            return lambda *there: not inner(*there)
        if self._took("("):
            return self._nested()
        for function, holds in (("contains", str.__contains__), ("starts-with", str.startswith)):
            if self._word(function):
                return self._about_text(holds)
        if self._word("position"):
            return self._about_place()
        if self._took("@"):
            name = self._name()
            fits = self._compared()
            return lambda element, _at, _number: name in element.attrs and fits(element.attrs[name])
        return self._path_from_here()

    def _nested(self) -> Condition:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._refusal()
        inner = self._any_of()
        self._must(")")
        return inner

    def _about_text(self, holds: Callable[[str, str], bool]) -> Condition:
        self._must("@")
        name = self._name()
        self._must(",")
        text = self._literal()
        self._must(")")
        return lambda element, _at, _number: holds(element.attrs.get(name, ""), text)

    def _about_place(self) -> Condition:
        self._must(")")
        compare = _COMPARISONS.get(self._next())
        if compare is None:
            raise self._refusal()
        self._at += 1
        if self._word("last"):
            self._must(")")
            return lambda _element, at, number: compare(float(at), float(number))
        wanted = self._numeral()
        return lambda _element, at, _number: compare(float(at), wanted)

    def _compared(self) -> Callable[[str], bool]:
        """What must hold of a text: that it is compared with what follows, or only is there."""
        operator = self._next()
        compare = _COMPARISONS.get(operator)
        if compare is None:
            return lambda _text: True
        self._at += 1
        if self._next()[:1] not in ("'", '"'):
            wanted = self._numeral()
        else:
            literal = self._literal()
            if operator == "=":
                return lambda text: text == literal
            if operator == "!=":
                return lambda text: text != literal
            wanted = _number(literal)
        return lambda text: compare(_number(text), wanted)

    def _path_from_here(self) -> Condition:
        """Elements to which a path leads: they need only be there, or have such an attribute."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._refusal()
        first = self._step(deep=False)
        attribute, steps = "", [first]
        if self._next() in ("/", "//"):
            rest = self._path()
            attribute, steps = rest.attribute, [first, *rest.steps]
        path = _Path(tuple(steps), self._parents, attribute)
        if not attribute:
            return lambda element, _at, _number: bool(path.select(element))
        holds = self._compared()
        return lambda element, _at, _number: any(
            holds(each.attrs[attribute]) for each in path.select(element)
        )

    # ---- tokens ----------------------------------------------------------------------------------

    def _next(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def _after(self) -> str:
        return self._tokens[self._at + 1][0] if self._at + 1 < len(self._tokens) else ""

    def _took(self, token: str) -> bool:
        taken = self._next() == token
        self._at += taken
        return taken

    def _word(self, name: str) -> bool:
        """Whether a function of this name begins here; its opening parenthesis is taken, too."""
        called = self._next() == name and self._after() == "("
        self._at += 2 * called
        return called

    def _must(self, token: str) -> None:
        if not self._took(token):
            raise self._refusal()

    def _name(self) -> str:
        name = self._next()
        if not _NAME.fullmatch(name):
            raise self._refusal()
        self._at += 1
        return name

    def _literal(self) -> str:
        text = self._next()
        if text[:1] not in ("'", '"'):
            raise self._refusal()
        self._at += 1
        return text[1:-1]

    def _numeral(self) -> float:
        text = self._next()
        if not _NUMBER.fullmatch(text):
            raise self._refusal()
        self._at += 1
        return float(text)

    def _refusal(self, position: int | None = None) -> ToolUsageError:
        if position is None:
            ended = self._at >= len(self._tokens)
            position = len(self._text) if ended else self._tokens[self._at][1]
        rest = self._text[position : position + 40]
        where = f"from '{rest}' on" if rest else "at its end"
        return ToolUsageError(
            f"this XPath is not understood {where}",
            hint="use steps like //primitive[@id='x']/operations, and conditions on attributes",
        )
