"""The two lines below the prompt: how the cluster stands, and what is being typed. Pure.

Both are lists of (style class, text), as prompt_toolkit takes them.
"""

from __future__ import annotations

from collections.abc import Sequence

from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.lang.expectation import Expectation
from crmsh_py.shell.declarations import BY_RULE, LEVELS
from crmsh_py.shell.judging import Mark
from crmsh_py.shell.offers_attributes import setting_at
from crmsh_py.shell.snapshot import Standing
from crmsh_py.shell.sources import Sources
from crmsh_py.value import frozen

Fragments = list[tuple[str, str]]
_NAMED = 3  # pending objects that are named
_BAR = "class:bar"
_KINDS = {
    None: "",
    ClusterKind.LOCAL: "lab",
    ClusterKind.PACEMAKER: "cluster",
    ClusterKind.FILE: "file",
}


@frozen
class Place:
    """Where a person stands: the level, the node that the shell sits on, what is pending."""

    level: str
    node: str
    shadow: str
    pending: tuple[str, ...]


def cluster_line(standing: Standing, place: Place, width: int) -> Fragments:
    """Which cluster, from where, with or without quorum; what has failed; what is pending."""
    left: Fragments = [(_BAR, " ")]
    if standing.problem:
        left += [("class:bar.bad", "●"), (_BAR, f" {standing.problem}")]
    elif standing.kind is None:
        left += [("class:bar.dim", "●"), (_BAR, " …")]
    else:
        left += _healthy(standing, place)
    right: Fragments = []
    if place.pending:
        names = ", ".join(place.pending[:_NAMED])
        more = " …" if len(place.pending) > _NAMED else ""
        count = len(place.pending)
        changes = f"{count} change{'s' if count != 1 else ''} pending"
        right = [("class:bar.pending", f" {changes}: {names}{more} ")]
        if _length(left) + _length(right) > width:
            right = [("class:bar.pending", f" {changes} ")]
    return _filled(left, right, width)


def _healthy(standing: Standing, place: Place) -> Fragments:
    kind = f"shadow {place.shadow}" if place.shadow else _KINDS[standing.kind]
    parts: Fragments = []
    light = "class:bar.good"
    if standing.quorate is False:
        light = "class:bar.bad"
    elif standing.failures or standing.online < standing.nodes:
        light = "class:bar.warn"
    if standing.kind is ClusterKind.FILE:
        light = "class:bar.dim"
    parts += [(light, "●"), (_BAR, f" {kind}")]
    if standing.name and standing.name != place.shadow:
        parts.append((_BAR, f" {standing.name}"))
    if place.node and standing.kind is not ClusterKind.FILE:
        parts += [("class:bar.dim", " on "), (_BAR, place.node)]
    if standing.kind is not ClusterKind.FILE:
        parts += [("class:bar.dim", " │ "), (_BAR, f"{standing.online}/{standing.nodes} online")]
    if standing.quorate is not None:
        style, words = (_BAR, "quorum") if standing.quorate else ("class:bar.bad", "NO QUORUM")
        parts += [("class:bar.dim", " │ "), (style, words)]
    if standing.failures:
        count = standing.failures
        failed = f"{count} failed action{'s' if count != 1 else ''}"
        parts += [("class:bar.dim", " │ "), ("class:bar.warn", failed)]
    return parts


def typing_line(
    sources: Sources, expectation: Expectation, marks: Sequence[Mark], level: str, width: int
) -> Fragments:
    """What is wrong with what is typed (last); else the attribute, the command, or where one is."""
    if marks:
        mark = next((m for m in marks if m.certain), marks[-1])
        style = "class:bar.bad" if mark.certain else "class:bar.warn"
        return _filled([(style, f" {mark.message}")], [], width)
    if expectation.attribute and (setting := setting_at(sources, expectation)) is not None:
        return _filled([("class:bar.name", f" {setting.name}= "), (_BAR, setting.line)], [], width)
    declaration = BY_RULE.get(f"cmd_{expectation.rule}")
    if declaration is not None:
        usage = f" {declaration.usage}" if declaration.usage else ""
        left = [("class:bar.name", f" {declaration.name}"), (_BAR, usage)]
        right = [("class:bar.dim", f" {declaration.summary} ")]
        return _filled(left, right if _length(left) + _length(right) <= width else [], width)
    where = expectation.level or level
    about = LEVELS.get(where, "")
    help_ = [("class:bar.dim", " TAB completes, ? shows what may come next, help explains ")]
    left = [("class:bar.name", f" {where}"), (_BAR, f" {about}")] if about else help_
    right = help_ if about and _length(left) + _length(help_) <= width else []
    return _filled(left, right, width)


def _length(fragments: Fragments) -> int:
    return sum(len(text) for _, text in fragments)


def _filled(left: Fragments, right: Fragments, width: int) -> Fragments:
    """The line at its full width; what is too long is cut."""
    room = width - _length(right)
    line: Fragments = []
    for style, text in left:
        if room <= 0:
            break
        cut = text if len(text) <= room else text[: max(0, room - 1)] + "…"
        line.append((style, cut))
        room -= len(cut)
    return [*line, (_BAR, " " * max(0, room)), *right]
