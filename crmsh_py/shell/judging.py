"""What is wrong in a line that is still being typed: places to underline, each with a sentence.

Two kinds of marks: words that the grammar cannot take where they stand, and names that nothing
has (which may still be right: they can be defined later in the same transaction). The word that
the cursor touches is never judged. Pure and quick: what was judged once is remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from crmsh_py.errors import CrmError, did_you_mean
from crmsh_py.lang import diagnostics
from crmsh_py.lang.automaton import Run, StuckError, UnclosedError
from crmsh_py.lang.expectation import expect
from crmsh_py.lang.parser import automaton
from crmsh_py.lang.words import LogicalLine, Piece, Word
from crmsh_py.shell.offers_attributes import is_known, settings_at
from crmsh_py.shell.snapshot import Snapshot
from crmsh_py.shell.sources import Sources
from crmsh_py.value import frozen

LONGEST = 4000  # characters; longer lines are pasted, and judged when they are run
_FEW = 500  # names that are searched for a near one
_SHOWN = 3  # things that were expected
_REMEMBERED = 2000


@frozen
class Mark:
    """Something wrong at ``start`` … ``end``; ``certain`` when the line cannot be run so."""

    start: int
    end: int
    message: str
    certain: bool


class Judge:
    """Judges lines of one cluster; words that stood there before are not judged again."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._judged: dict[tuple[str, str], str] = {}

    def marks(self, sources: Sources, text: str, level: str) -> tuple[Mark, ...]:
        """What is wrong in ``text``, typed at a level, with the cursor at its end."""
        if len(text) > LONGEST:
            return ()
        if sources.snapshot is not self._snapshot or len(self._judged) > _REMEMBERED:
            self._snapshot = sources.snapshot
            self._judged.clear()
        run = Run(automaton(), f"{level}_line", text)
        found: list[Mark] = []
        try:
            run.read_all()
        except UnclosedError:
            pass  # its end is still to be typed
        except StuckError as stuck:
            if stuck.end < len(text):
                found.append(_stuck(run, stuck, text))
        for word in run.words:
            if word.end == len(text):
                break
            key = (level, text[: word.end])
            if key not in self._judged:
                self._judged[key] = _unknown(sources, word, text, level)
            if message := self._judged[key]:
                found.append(Mark(word.start, word.end, message, certain=False))
        return tuple(sorted(found, key=lambda mark: mark.start))


def _stuck(run: Run, stuck: StuckError, text: str) -> Mark:
    line = LogicalLine(text, 0, (Piece(0, 0, text),))
    diagnostic = diagnostics.unexpected(run, stuck, line).diagnostic
    message = diagnostic.message
    if diagnostic.hint:
        message += f" — {diagnostic.hint}"
    elif diagnostic.expected:
        message += f" — expected: {', '.join(diagnostic.expected[:_SHOWN])}"
        message += " …" if len(diagnostic.expected) > _SHOWN else ""
    return Mark(stuck.start, stuck.end, message, certain=True)


# ---- names ---------------------------------------------------------------------------------------

_RESOURCES: Callable[[Snapshot], Collection[str]] = lambda s: s.resources  # noqa: E731
_NAMED: dict[str, tuple[str, Callable[[Snapshot], Collection[str]]]] = {
    **dict.fromkeys(
        ("RESOURCE", "MEMBER"),
        ("resource", lambda s: {*s.resources, *s.templates, *s.others}),
    ),
    **dict.fromkeys(("CHILD", "MONITORED", "DEVICES"), ("resource", _RESOURCES)),
    "OBJECT": ("object", lambda s: {item.id for item in s.objects()}),
    "NODE_NAME": ("node", lambda s: s.nodes),
    "HOST_NAME": ("node", lambda s: {*s.nodes, "host"}),
    "TEMPLATE_REF": ("template", lambda s: {f"@{name}" for name in s.templates}),
}


def _unknown(sources: Sources, word: Word, text: str, level: str) -> str:
    """The sentence about a name that nothing has; '' for one that something has."""
    snapshot = sources.snapshot
    if word.kind == "AGENT":
        return _agent_problem(sources, str(word))
    if word.kind in ("NVPAIR", "BARE_NAME"):
        return _attribute_problem(sources, word, text, level)
    if word.kind not in _NAMED or not (snapshot.nodes or snapshot.resources):
        return ""  # a kind that has no list, or a cluster that has not been seen yet
    what, listed = _NAMED[word.kind]
    names = snapshot.remember(f"all {word.kind}", lambda: frozenset(listed(snapshot)))
    missing = next((n for n in _names(word) if n not in names), None)
    if missing is None:
        return ""
    near = did_you_mean(missing, names) if len(names) <= _FEW else None
    return f"there is no {what} “{missing}”" + (f" — {near}" if near else "")


def _names(word: Word) -> list[str]:
    if any(sign in word for sign in ":*@") and not word.startswith("@"):
        return [word.partition(":")[0]] if ":" in word and word.kind == "MEMBER" else []
    return word.split(",") if word.kind == "DEVICES" else [str(word)]


def _agent_problem(sources: Sources, name: str) -> str:
    try:
        sources.catalogue.resolve(name)
    except CrmError as error:
        return f"{error.message} — {error.hint}" if error.hint else error.message
    return ""


def _attribute_problem(sources: Sources, word: Word, text: str, level: str) -> str:
    """A parameter that the agent does not have, an option that does not exist."""
    expectation = expect(text[: word.start], level)
    part, agent = expectation.part, expectation.agent
    if part not in ("params", "meta", "property", "rsc_defaults", "op_defaults"):
        return ""
    if part == "params" and not (agent and is_known(sources, agent)):
        return ""
    names = [setting.name for setting in settings_at(sources, expectation)]
    name = word.partition("=")[0]
    if not names or name in names or name.startswith(("$", "@", "#")):
        return ""
    owner = {"params": agent, "meta": "resources"}.get(part, part)
    near = did_you_mean(name, names)
    if part in ("property", "rsc_defaults", "op_defaults", "meta") and near is None:
        return ""  # one of the user's own: the cluster takes any name there
    return f"{owner}: there is no “{name}”" + (f" — {near}" if near else "")
