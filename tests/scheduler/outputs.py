"""Print a digest of everything that our tools say about recorded cases: ``outputs.py EVERY``.

One line a case: its name, and the digests of the simulated run, scores, graph, drawing, plan,
reasons, status in every format, and the verdict. Run in processes of different hash seeds, whose
lines must be the same; every EVERYth case is taken.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

from scheduler.conformance import SUITE, Case, cases

from crmsh_py.cib.document import Cib
from crmsh_py.scheduler.plan import plan
from crmsh_py.tools import crm_simulate
from crmsh_py.views import deprecations, mon_classic, mon_modern, mon_state, mon_xml, verify
from crmsh_py.views.mon_facts import MonOptions

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OPTIONS = MonOptions(inactive=True, attributes=True, operations=True, timing=True, bans="")


def texts(case: Case) -> Iterator[str]:
    """All that is said about a case."""
    cib = Cib.parse((SUITE / "xml" / f"{case.name}.xml").read_bytes())
    dated = case.arguments if "-t" in case.arguments else ("-t", NOW.isoformat(), *case.arguments)
    parser = crm_simulate.parser()
    for words in (["-S"], ["-D", "dot", "-G", "exp", "-sSQ"]):
        done = crm_simulate.simulate(cib, parser.parse_args([*words, *dated]))
        yield from (done.text, *(f"{name} {done.files[name]}" for name in sorted(done.files)))
    planned = plan(cib, now=NOW)
    yield repr(planned)
    yield verify.modern([*planned.messages, *deprecations.find(cib)], verbose=5)
    read, status = mon_state.read(cib, now=NOW, with_constraints=True)
    for render in (mon_classic.render, mon_modern.render, mon_xml.render):
        yield render(read, status, now=NOW, options=OPTIONS)


def main() -> None:
    """A line for every case that is taken."""
    for case in cases()[:: int(sys.argv[1])]:
        digests = (hashlib.sha256(text.encode()).hexdigest()[:8] for text in texts(case))
        print(case.name, *digests)


if __name__ == "__main__":
    main()
