"""How the store applies patches: with the CIB's own rules."""

from __future__ import annotations

from collections.abc import Sequence

from crmsh_py.cib.apply import apply
from crmsh_py.cib.document import Cib
from crmsh_py.cib.patch import Patch
from crmsh_py.cib.version import Version
from crmsh_py.node.store import Step


def replay(cib: str, patches: Sequence[Step]) -> tuple[str, str]:
    """Apply patches (XML) to a configuration (XML); return the result and its digest.

    Raises:
        CrmError: something is no XML, or a patch does not fit.
    """
    document = Cib.parse(cib)
    for text, version in patches:
        patch = Patch.from_xml(text)
        # The status moves num_updates on between two revisions, and is not stored.
        document = apply(document.with_version(patch.source), patch)
        document = document.with_version(Version(*version))
    return document.to_xml() if patches else cib, document.digest
