"""Every score is the sum of what is shown for it: on recorded cases, and by taking it away.

The sums are read from the text that ``crm_simulate -s --why`` prints, in Pacemaker's arithmetic.
That a contribution really comes from the element that it names is shown by planning without that
element, for locations, rules and stickiness of resources that nothing else has a say about: a
colocation, a fail count or a limit would change the score by more than that.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import pytest
from scheduler.clusters import NOW
from scheduler.conformance import NIGHTLY, SUITE, Case, cases, some_cases

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.scores import INFINITY, add_scores, parse_score
from crmsh_py.cib.upgrade import needs_upgrade, upgrade
from crmsh_py.scheduler.plan import plan
from crmsh_py.scheduler.result import Contribution, Plan
from crmsh_py.tools import crm_simulate

_SCORE = re.compile(r"\S.* score (?:on .*|\(inactive\)): (-?INFINITY|-?[0-9]+)")
_PART = re.compile(r" +([+-](?:INFINITY|[0-9]+))  (\S.*)")
_ACTION = re.compile(r"  \S+( on \S+)?: \S.*")
_PLAIN = {"location", "stickiness"}

EVERY = 3
needs_cases = pytest.mark.skipif(not cases(), reason="the recorded cases are not here")


def _read(case: Case) -> Cib:
    cib = Cib.parse((SUITE / "xml" / f"{case.name}.xml").read_bytes())
    return upgrade(cib) if needs_upgrade(cib) else cib


# ---- the sums ------------------------------------------------------------------------------------


@dataclass
class Seen:
    """What was read of one case."""

    numbers: int
    wrong: list[str]


def _check_text(case: Case) -> Seen:
    words = ["-sQ", "--why", *case.arguments]
    told = crm_simulate.simulate(_read(case), crm_simulate.parser().parse_args(words)).text
    table, _, reasons = told.partition("Reasons:")
    seen = Seen(0, [])
    line, wanted, total = "", 0, 0
    for text in [*table.splitlines(), "end score on end: 0"]:
        found = _SCORE.fullmatch(text)
        if found:
            if line and total != wanted:
                seen.wrong.append(f"{case.name}: {line} is not {total}")
            line, wanted, total = text, parse_score(found.group(1)), 0
            seen.numbers += 1
        elif text:
            part = _PART.fullmatch(text)
            assert part is not None, text
            total = add_scores(total, parse_score(part.group(1)))
    _, _, actions = reasons.partition("Actions and their reasons:\n")
    seen.wrong += [text for text in actions.splitlines() if not _ACTION.fullmatch(text)]
    if "its place or role has changed" in told:
        seen.wrong.append(f"{case.name}: a change has no cause")
    return seen


@needs_cases
def test_every_score_is_the_sum_of_what_is_shown() -> None:
    with ProcessPoolExecutor() as pool:
        seen = list(pool.map(_check_text, some_cases(EVERY), chunksize=8))
    assert [wrong for each in seen for wrong in each.wrong] == []
    assert sum(each.numbers for each in seen) > (60_000 if NIGHTLY else 20_000)


# ---- the elements --------------------------------------------------------------------------------


def _without(element: Element, id_: str) -> Element:
    return element.map_children(lambda child: None if child.id == id_ else _without(child, id_))


def _unknown_sources(made: Plan, cib: Cib) -> Iterator[Contribution]:
    known = {element.id for element in cib.root.iter() if element.id}
    for parts in made.contributions.values():
        for part in parts:
            if not part.source_id or not set(part.source_id.split()) <= known | {"cpu"}:
                yield part


def _plain(parts: tuple[Contribution, ...]) -> bool:
    """Only kinds that are added without regard to anything else, and far from the infinities."""
    return all(p.kind in _PLAIN and abs(p.amount) < INFINITY for p in parts)


def _sample(made: Plan) -> list[str]:
    """The ids of elements that some plain score comes from: two of each kind and case."""
    found: dict[str, list[str]] = {}
    for _, parts in sorted(made.contributions.items()):
        for part in parts if _plain(parts) else ():
            ids = found.setdefault(part.kind, [])
            if part.source_id not in ids and len(ids) < 2:
                ids.append(part.source_id)
    return [id_ for ids in found.values() for id_ in ids]


def _check_elements(case: Case) -> tuple[Counter[str], list[str]]:
    cib = _read(case)
    made = plan(cib, now=NOW, traced=True)
    wrong = [f"{case.name}: {part}" for part in _unknown_sources(made, cib)]
    checked: Counter[str] = Counter()
    for id_ in _sample(made):
        element = cib.find_id(id_)
        assert element is not None
        after = plan(cib.with_root(_without(cib.root, id_)), now=NOW, traced=True)
        for key, parts in made.contributions.items():
            mine = [part for part in parts if part.source_id == id_]
            left = after.contributions.get(key)
            if not mine or left is None or not _plain(parts) or not _plain(left):
                continue
            if len(left) != len(parts) - len(mine):
                continue  # something else has taken its place: a default, another rule
            difference = made.scores[key] - after.scores[key]
            if difference != sum(part.amount for part in mine):
                wrong.append(f"{case.name}: {id_} {key} {difference}")
            checked[element.tag] += 1
    return checked, wrong


@needs_cases
def test_without_its_element_a_score_is_less_by_its_contribution() -> None:
    checked: Counter[str] = Counter()
    wrong: list[str] = []
    with ProcessPoolExecutor() as pool:
        for counts, bad in pool.map(_check_elements, some_cases(EVERY), chunksize=8):
            checked.update(counts)
            wrong += bad
    assert wrong == []
    assert all(
        checked[tag] > (70 if NIGHTLY else 20) for tag in ("rsc_location", "rule", "nvpair")
    ), checked
