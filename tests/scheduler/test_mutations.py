"""Whatever the schema accepts gets a plan, a simulated run, a status and a verdict: no traceback.

Made from recorded inputs of Pacemaker's scheduler by small changes (``mutations.py``). A failure
names its seed; ``CRM_SEED=N pytest tests/scheduler/test_mutations.py`` runs that one alone.
"""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import cache

import pytest
from scheduler.conformance import NIGHTLY, SUITE
from scheduler.mutations import Words, mutant, sources

from crmsh_py.cib.document import Cib
from crmsh_py.errors import CrmError
from crmsh_py.scheduler.plan import plan
from crmsh_py.tools import crm_simulate
from crmsh_py.views import deprecations, mon_classic, mon_modern, mon_state, mon_xml, verify
from crmsh_py.views.mon_facts import MonOptions

ALONE = os.environ.get("CRM_SEED")
MUTANTS = 10_000 if NIGHTLY else 250
LARGEST = 60_000 if NIGHTLY else 12_000  # bytes of a source
CPU_S = 20.0  # of one mutant: a hundred times what the slowest source takes
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FULL = MonOptions(
    inactive=True, attributes=True, fail_counts=True, operations=True, timing=True, tickets=True,
    bans="",
)  # fmt: skip


@cache
def corpus() -> tuple[list[str], Words]:
    """Once in each process."""
    files = sources(SUITE / "xml", LARGEST)
    words = Words()
    for file in files:
        words.learn(Cib.parse(file.read_bytes()).root)
    return [str(file) for file in files], words


def everything(cib: Cib) -> Iterator[object]:
    """All that our tools make of a CIB."""
    planned = plan(cib, now=NOW)
    messages = [*planned.messages, *deprecations.find(cib)]
    yield verify.modern(messages, verbose=1), verify.classic(messages, verbose=1)
    words = ["-S", "-s", "-D", "dot", "-G", "graph", "-t", NOW.isoformat()]
    yield crm_simulate.simulate(cib, crm_simulate.parser().parse_args(words))
    read, status = mon_state.read(cib, now=NOW, with_constraints=True)
    for render in (mon_classic.render, mon_modern.render, mon_xml.render):
        yield render(read, status, now=NOW, options=FULL)


def failure(seed: int) -> str:
    """What went wrong with the mutant of that seed; '' for nothing."""
    from pathlib import Path

    files, words = corpus()
    cib = mutant(seed, [Path(file) for file in files], words)
    begun = time.process_time()
    try:
        for _ in everything(cib):
            pass
    except CrmError:
        pass  # a refusal in words is an answer
    except Exception:
        return f"seed {seed}: {traceback.format_exc(limit=-4)}"
    spent = time.process_time() - begun
    return f"seed {seed}: {spent:.1f} s" if spent > CPU_S else ""


@pytest.mark.skipif(not SUITE.exists(), reason="the recorded cases are not here")
@pytest.mark.timeout(3600 if NIGHTLY else 600)
def test_no_accepted_document_breaks_anything() -> None:
    seeds = [int(ALONE)] if ALONE else range(MUTANTS)
    with ProcessPoolExecutor() as pool:
        failures = [text for text in pool.map(failure, seeds, chunksize=10) if text]
    assert not failures, f"{len(failures)} failed:\n" + "\n".join(failures[:10])
