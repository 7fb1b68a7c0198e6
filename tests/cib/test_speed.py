"""A CIB of a megabyte is no burden, and reading one loads nothing heavy.

The bounds are ten times what was measured (36 ms to read, 50 ms for the worst comparison) and
count processor time, so that a busy machine does not fail them and a quadratic algorithm does.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import TypeVar

import pytest

from crmsh_py.cib.checks import check, integrity
from crmsh_py.cib.diff import Patch, apply, diff
from crmsh_py.cib.document import Cib
from crmsh_py.cib.schema import validate

_T = TypeVar("_T")
LIMIT_S = 0.6


def best_of_three(work: Callable[[], _T]) -> tuple[float, _T]:
    times = []
    for _ in range(3):
        begun = time.process_time()
        result = work()
        times.append(time.process_time() - begun)
    return min(times), result


@pytest.fixture(scope="module")
def megabyte() -> str:
    resources = "".join(
        f'<primitive id="p{n}" class="ocf" provider="pacemaker" type="Dummy">'
        f'<instance_attributes id="p{n}-i"><nvpair id="p{n}-i-state" name="state"'
        f' value="/run/{n}"/></instance_attributes><operations>'
        f'<op id="p{n}-monitor-10s" name="monitor" interval="10s" timeout="20s"/>'
        "</operations></primitive>"
        for n in range(3600)
    )
    text = (
        "<cib><configuration><crm_config/><nodes/>"
        f"<resources>{resources}</resources><constraints/></configuration><status/></cib>"
    )
    assert 1_000_000 < len(text) < 1_300_000
    return text


def test_reading_writing_comparing_and_patching_a_megabyte(megabyte: str) -> None:
    took: dict[str, float] = {}
    took["parse"], cib = best_of_three(lambda: Cib.parse(megabyte))
    took["write"], _ = best_of_three(cib.to_xml)
    copy = Cib.parse(megabyte)
    took["compare"], patch = best_of_three(lambda: diff(cib, copy))
    assert not patch
    resources = cib.section("resources")
    empty = cib.with_section("resources", resources.with_children(()))
    backwards = cib.with_section("resources", resources.with_children(resources.children[::-1]))
    for name, old, new in (
        ("erase", cib, empty),
        ("load", empty, cib),
        ("reverse", cib, backwards),
    ):
        took[f"diff {name}"], patch = best_of_three(lambda old=old, new=new: diff(old, new))
        sent = patch.to_xml()
        took[f"read {name}"], received = best_of_three(lambda sent=sent: Patch.from_xml(sent))
        took[f"apply {name}"], result = best_of_three(
            lambda old=old, received=received: apply(old, received)
        )
        assert result == new
    took["validate"], findings = best_of_three(lambda: validate(cib))
    assert findings == ()
    took["check"], _ = best_of_three(lambda: check(cib))
    slow = {name: f"{seconds * 1000:.0f} ms" for name, seconds in took.items() if seconds > LIMIT_S}
    assert not slow


def test_a_change_of_one_resource_is_found_without_looking_at_the_others(megabyte: str) -> None:
    cib = Cib.parse(megabyte)
    resources = cib.section("resources")
    victim = resources.children[1600]
    changed = cib.with_section(
        "resources",
        resources.map_children(lambda r: r.with_attrs(description="x") if r is victim else r),
    )
    seconds, patch = best_of_three(lambda: diff(cib, changed))
    assert len(patch.changes) == 1
    assert seconds < 0.1


def test_thousands_of_references_to_nothing_do_not_hold_up_every_commit() -> None:
    places = "".join(
        f'<rsc_location id="l{n}" rsc="nobody{n}" node="n1" score="1"/>' for n in range(3000)
    )
    names = "".join(f'<primitive id="body{n}" class="ocf" type="Dummy"/>' for n in range(300))
    cib = Cib.parse(
        "<cib><configuration><crm_config/><nodes/>"
        f"<resources>{names}</resources><constraints>{places}</constraints></configuration></cib>"
    )
    seconds, findings = best_of_three(lambda: integrity(cib))
    assert len(findings) == 3000
    assert seconds < LIMIT_S
    assert findings[0].hint is not None
    assert findings[-1].hint is None


def test_the_document_loads_nothing_that_quick_commands_must_not() -> None:
    program = (
        "import sys, crmsh_py.cib.document, crmsh_py.cib.diff; "
        "print(*sorted({'asyncio', 'lark', 'prompt_toolkit', 'tabulate', 'random', 'subprocess',"
        " 'pathlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == ""
