"""crm_verify against what Pacemaker 3 said about 854 CIBs (../shared/conformance)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from crmsh_py.cib.document import Cib
from crmsh_py.cib.schema import validate
from crmsh_py.scheduler.plan import plan
from crmsh_py.views import deprecations, verify

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_exit_codes_and_texts(shared: Path) -> None:
    """The exit code agrees always, and so does the text (as a set of lines)."""
    conformance = shared / "conformance"
    exits = texts = 0
    for file in sorted((conformance / "verify").glob("*.txt")):
        *wanted, last = file.read_text("utf-8").splitlines()
        source = conformance / "scheduler" / "xml" / f"{file.stem}.xml"
        cib = Cib.parse(source.read_bytes())
        valid = not validate(cib)
        messages = [*plan(cib, now=NOW).messages, *deprecations.find(cib)]
        exits += last == f"exit {verify.exit_code(messages, valid=valid)}"
        said = verify.modern(messages, verbose=1, valid=valid).splitlines()
        texts += {line.strip() for line in wanted} == {line.strip() for line in said}
    print(exits, texts)
    assert exits == 854
    assert texts == 854
