"""Mutated CIBs that the schema still accepts: what nobody has thought of, made from what is known.

``mutant(seed, sources, words)`` takes one of the sources and changes it one to six times: values,
names, references, whole elements (away, doubled, or from another source). It is a function of its
arguments, so that a seed is all that a failure has to tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import COMMENT, Element
from crmsh_py.cib.schema import validate
from crmsh_py.errors import CrmError

# What programs stumble over, wherever it stands.
_NASTY = (
    *("", " ", "0", "-1", "1", "INFINITY", "-INFINITY", "+INFINITY", "1000001", "99999999999999"),
    *(
        "true",
        "false",
        "#default",
        "nonsense",
        "1h",
        "PT5M",
        "-10s",
        "1.5",
        "\u0663",
        "a:b:c",
        "x:0",
    ),
    *("4294967296", "9" * 30, "é", "0:7;1:2:3:4", "1:2", ";", "fence", "block", "demote", "ignore"),
    *("stop", "Promoted", "Stopped", "master", "standby", "monitor", "start", "migrate_to"),
)
# Attributes by which elements are found: a change of these makes another thing of it.
_KEPT = frozenset({"validate-with"})


@dataclass
class Words:
    """Values that are seen under each name in all sources, and pairs of names and values."""

    values: dict[str, list[str]] = field(default_factory=dict)
    pairs: list[tuple[str, str]] = field(default_factory=list)
    elements: dict[str, list[Element]] = field(default_factory=dict)

    def learn(self, root: Element) -> None:
        """Take up what a document has."""
        for element in root.iter():
            for name, value in element.attrs.items():
                self.values.setdefault(name, []).append(value)
            if element.tag == "nvpair":
                self.pairs.append((element.get("name"), element.get("value")))
            if len(self.elements.setdefault(element.tag, [])) < 400:
                self.elements[element.tag].append(element)


def sources(folder: Path, largest: int) -> list[Path]:
    """The files that mutants are made from: not those that take long by their size."""
    return sorted(f for f in folder.glob("*.xml") if f.stat().st_size <= largest)


def mutant(seed: int, files: Sequence[Path], words: Words) -> Cib:
    """A document that the schema accepts."""
    random = Random(seed)
    cib = Cib.parse(random.choice(files).read_bytes())
    for _ in range(random.randint(1, 6)):
        for _ in range(5):  # the schema refuses some
            root = _change(cib.root, random, words)
            try:
                changed = Cib(root)
                if not validate(changed):
                    cib = changed
                    break
            except CrmError:
                continue
    return cib


def _change(root: Element, random: Random, words: Words) -> Element:
    change = random.choice((_value, _value, _value, _pair, _pair, _remove, _double, _insert, _swap))
    section = root.find("status") if random.random() < 0.4 else root.find("configuration")
    everything = [e for e in (section or root).iter() if e is not section]
    if not everything:
        return root
    chosen = random.choice(everything)
    return _at(root, chosen, lambda element: change(element, random, words))


def _at(
    element: Element, chosen: Element, change: Callable[[Element], tuple[Element, ...]]
) -> Element:
    """The tree with what ``change`` makes of the chosen element in its place."""
    if not any(child is chosen for child in element.children):
        return element.map_children(lambda child: _at(child, chosen, change))
    children: list[Element] = []
    for child in element.children:
        children += change(child) if child is chosen else (child,)
    return element.with_children(tuple(children))


def _word(name: str, random: Random, words: Words) -> str:
    if random.random() < 0.35:
        return random.choice(_NASTY)
    return random.choice(words.values.get(name) or list(_NASTY))


def _value(element: Element, random: Random, words: Words) -> tuple[Element, ...]:
    names = [name for name in element.attrs if name not in _KEPT]
    if not names:
        return (element,)
    name = random.choice(names)
    value = None if random.random() < 0.15 else _word(name, random, words)
    return (element.with_attributes({name: value}),)


def _pair(element: Element, random: Random, words: Words) -> tuple[Element, ...]:
    """Another setting in the place of one, or beside it."""
    if element.tag != "nvpair":
        return _value(element, random, words)
    name, value = random.choice(words.pairs)
    if random.random() < 0.3:
        value = random.choice(_NASTY)
    changed = element.with_attributes({"name": name, "value": value})
    if random.random() < 0.5:
        return (changed,)
    return (element, changed.with_attributes({"id": f"{element.id}-m{random.randrange(99)}"}))


def _remove(element: Element, random: Random, words: Words) -> tuple[Element, ...]:
    return ()


def _double(element: Element, random: Random, words: Words) -> tuple[Element, ...]:
    suffix = f"-m{random.randrange(999)}" if random.random() < 0.9 else ""
    return element, _renamed(element, suffix)


def _renamed(element: Element, suffix: str) -> Element:
    if "id" in element.attrs and element.tag not in ("node_state", "lrm", "transient_attributes"):
        element = element.with_attributes({"id": element.id + suffix})
    return element.map_children(lambda child: _renamed(child, suffix))


def _insert(element: Element, random: Random, words: Words) -> tuple[Element, ...]:
    """Something of the same kind from anywhere, or a child of one such."""
    others = [other for other in words.elements.get(element.tag, ()) if other.tag != COMMENT]
    if not others:
        return (element,)
    other = random.choice(others)
    if other.children and random.random() < 0.6:
        return (element.append(random.choice(other.children)),)
    return element, other


def _swap(element: Element, random: Random, words: Words) -> tuple[Element, ...]:
    """The children in another order."""
    children = list(element.children)
    random.shuffle(children)
    return (element.with_children(tuple(children)),)
