"""Two configurations side by side: the lines of ``configure show`` that only one of them has.

Pure; must not load the parser.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from crmsh_py.cib.document import Cib
from crmsh_py.lang.listing import show

_CONTEXT = 2  # equal lines around each place
_HIDDEN = "\0"  # between what is shown of a line and what is compared; no text has it


def difference(
    before: Cib,
    after: Cib,
    filters: Sequence[str] = (),
    *,
    xml: bool = False,
    obscure: Sequence[str] | None = None,
) -> tuple[str, ...]:
    """The lines of a unified difference, without its head; of what the filters ask for.

    A value that is hidden is hidden here, too; that it is another one can be seen. Of the whole as
    text, another schema comes first: no line of the listing says it.
    """

    def lines(cib: Cib, other: Cib) -> list[str]:
        shown = show(cib, filters, xml=xml, obscure=obscure, other=other).splitlines()
        whole = show(cib, filters, xml=xml, obscure=(), other=other).splitlines()
        if len(shown) != len(whole):  # a hidden value has several lines: which is whose?
            whole = ["\n".join(whole)] * len(shown)
        return [f"{a}{_HIDDEN}{b}" for a, b in zip(shown, whole, strict=True)]

    found = difflib.unified_diff(
        lines(before, after), lines(after, before), lineterm="", n=_CONTEXT
    )
    told = tuple(line.partition(_HIDDEN)[0] for line in found)[2:]
    if before.schema == after.schema or filters or xml:
        return told
    return (f"-schema {before.schema}", f"+schema {after.schema}", *told)
