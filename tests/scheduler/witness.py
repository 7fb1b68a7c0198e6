"""Our answers beside those of an installed ``crm_simulate``, on inputs that nobody has recorded.

    python -m scheduler.witness [--seeds FIRST LAST] [--only WORD]        (from the folder tests)

An older Pacemaker is no judge, it is a witness: only inputs are varied on which it agrees with what
is recorded of Pacemaker 3, and every difference has to be looked at.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from scheduler.conformance import SUITE, Case, cases
from scheduler.variations import variation

from crmsh_py.cib.document import Cib
from crmsh_py.cib.schema import validate
from crmsh_py.cib.upgrade import upgrade
from crmsh_py.errors import CrmError
from crmsh_py.tools import crm_simulate

PROGRAM = Path("/usr/sbin/crm_simulate")
_SECTIONS = ("Transition Summary:", "Executing Cluster Transition:", "Revised Cluster Status:")

# What properties were called before Pacemaker 3, and how older texts say the same.
_OLD_NAMES = {
    "fencing-enabled": "stonith-enabled",
    "fencing-action": "stonith-action",
    "fencing-timeout": "stonith-timeout",
    "fencing-watchdog-timeout": "stonith-watchdog-timeout",
    "fencing-max-attempts": "stonith-max-attempts",
    "stop-removed-resources": "stop-orphan-resources",
    "cancel-removed-actions": "stop-orphan-actions",
}
_SAME_WORDS = (
    ("ORPHANED", "removed"),
    ("maintenance", "unmanaged"),
    ("not installed", "Not installed"),
    ("termination was requested", "fencing was requested"),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A variation on which the two do not agree: which lines only one of them has."""

    seed: int
    case: str
    done: str
    section: str
    ours: tuple[str, ...]
    theirs: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{self.seed} {self.case}: {self.done}  [{self.section}]"]
        lines += [f"    ours   {line}" for line in self.ours[:8]]
        lines += [f"    theirs {line}" for line in self.theirs[:8]]
        return "\n".join(lines)


def sections(text: str) -> dict[str, list[str]]:
    """The lines of each part, sorted; what the versions only name differently is the same."""
    found: dict[str, list[str]] = {name: [] for name in _SECTIONS}
    current: list[str] = []
    for line in text.splitlines():
        if line and not line.startswith(" ") and line.endswith(":"):
            current = found.setdefault(line, [])
        elif line.strip():
            words = " ".join(line.split())
            for older, newer in _SAME_WORDS:
                words = words.replace(older, newer)
            words = words.replace("(unmanaged, disabled)", "(disabled, unmanaged)")
            current.append(words)
    return {name: sorted(found[name]) for name in _SECTIONS}


def theirs(cib: Cib, arguments: tuple[str, ...]) -> dict[str, list[str]] | None:
    """What the installed program says; None where it refuses the input, or dies of it."""
    text = cib.to_xml()
    for today, then in _OLD_NAMES.items():
        text = text.replace(f'name="{today}"', f'name="{then}"')
    with tempfile.NamedTemporaryFile("w", suffix=".xml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        done = subprocess.run(
            [PROGRAM, "-x", file.name, "-S", *arguments],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    if done.returncode < 0 or "Transition Summary:" not in done.stdout:
        return None
    return sections(done.stdout)


def ours(cib: Cib, arguments: tuple[str, ...]) -> dict[str, list[str]]:
    """What we say."""
    parsed = crm_simulate.parser().parse_args(["-S", *arguments])
    return sections(crm_simulate.simulate(cib, parsed).text)


def agreed(case: Case) -> Case | None:
    """The case, if the witness says of it what is recorded."""
    said = theirs(source(case), case.arguments)
    wanted = sections((SUITE / "summary" / f"{case.name}.summary").read_text())
    return case if said == wanted else None


def source(case: Case) -> Cib:
    """The input in today's words, and from a cluster new enough for fail counts of operations."""
    cib = upgrade(Cib.parse((SUITE / "xml" / f"{case.name}.xml").read_bytes()))
    version = cib.root.get("crm_feature_set", "0").split(".")
    if [int(part) for part in version if part.isdigit()] < [3, 1]:
        cib = cib.with_attributes({"crm_feature_set": "3.1.0"})
    return cib


def compare(seed: int, known: list[Case], only: str = "") -> Difference | None:
    """One variation of one of the known cases."""
    case = Random(seed).choice(known)
    try:
        cib, done = variation(seed, source(case))
    except IndexError:  # nothing there to be changed
        return None
    if only not in done or validate(cib):
        return None
    said = theirs(cib, case.arguments)
    if said is None:
        return None
    try:
        mine = ours(cib, case.arguments)
    except CrmError:
        return None
    for name in _SECTIONS:
        if mine[name] != said[name]:
            here = [line for line in mine[name] if line not in said[name]]
            there = [line for line in said[name] if line not in mine[name]]
            return Difference(seed, case.name, done, name, tuple(here), tuple(there))
    return None


def differences(seeds: range, only: str = "", workers: int = 2) -> Iterator[Difference]:
    """All differences, as they are found."""
    with ProcessPoolExecutor(workers) as pool:
        known = [case for case in pool.map(agreed, cases(), chunksize=8) if case is not None]
        print(f"{len(known)} of {len(cases())} recorded cases are the witness's own answers")
        yield from filter(None, pool.map(partial(compare, known=known, only=only), seeds))


def main() -> None:
    """Print all differences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs=2, default=(0, 500))
    parser.add_argument("--only", default="", help="what the variation has to mention")
    arguments = parser.parse_args()
    for found in differences(range(*arguments.seeds), arguments.only):
        print(found, flush=True)


if __name__ == "__main__":
    main()
