"""From words to values: a function for each rule of the grammar.

The ``build_`` modules have those of the elements, by chapter; here are the commands, which are
all built alike, and the table. The functions convert and put into normal form, and no more:
whether a resource exists or a parameter is known is asked elsewhere (``cib.checks``), with the
places that the values keep. What the grammar cannot say (that a rule has one kind of boolean)
raises ``MeaningError``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from crmsh_py.lang import ast, build_cluster, build_constraints, build_resources, build_sets
from crmsh_py.lang.build_words import Children
from crmsh_py.lang.words import Word
from crmsh_py.value import replace


def _command(level: str, name: str) -> Callable[[Children], ast.CommandCall]:
    def build(children: Children) -> ast.CommandCall:
        first = children[0]
        if not isinstance(first, Word):
            return ast.CommandCall(level, name, element=first, typed=name)  # type: ignore[arg-type]
        arguments = tuple(
            ast.Argument(word.kind, word) for word in children[1:] if isinstance(word, Word)
        )
        pairs = tuple(c for c in children if isinstance(c, ast.Nvpair))
        assert not pairs
        return ast.CommandCall(level, name, arguments, typed=first)

    return build


def _enter(level: str) -> Callable[[Children], ast.CommandCall]:
    def build(children: Children) -> ast.CommandCall:
        inner = next((c for c in children if isinstance(c, ast.CommandCall)), None)
        if inner is None:
            return ast.CommandCall(level, "enter", path=(level,), typed=_first_word(children))
        return replace(inner, path=(level, *inner.path))

    return build


def _first_word(children: Children) -> str:
    return next((c for c in children if isinstance(c, Word)), "")


def _only(children: Children) -> object:
    return children[0]


def builders(rules: set[str]) -> Mapping[str, Callable[[Children], object]]:
    """The function for each of these rules of the grammar; a rule without one is a bug."""
    made = {
        **build_sets.BUILDERS,
        **build_resources.BUILDERS,
        **build_constraints.BUILDERS,
        **build_cluster.BUILDERS,
    }
    for name in rules:
        if name.startswith("cmd_"):
            _, level, command = name.split("_", 2)
            made[name] = _command(level, command)
        elif name.startswith("enter_"):
            made[name] = _enter(name.removeprefix("enter_"))
        elif name.endswith("_line"):
            made[name] = _only
    missing = {n for n in rules if n[0] not in "_$"} - made.keys()
    assert not missing, f"rules of the grammar without a builder: {sorted(missing)}"
    return made
