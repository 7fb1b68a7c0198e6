"""The ``configure assist`` level: larger changes that are made for the user."""

from __future__ import annotations

from crmsh_py import lang
from crmsh_py.cib.assist import make_template
from crmsh_py.errors import UsageError
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell.changes import require_resources
from crmsh_py.shell.session import Session


def template(session: Session, call: CommandCall) -> int:
    """A template of what some primitives have in common."""
    working = session.working
    changed, name = make_template(working.cib(), call.all("RESOURCE"))
    working.edit(changed)
    session.console.info(f"the template is called {name}")
    return 0


def weak_bond(session: Session, call: CommandCall) -> int:
    """Keep resources together as long as that is possible: each follows a dummy, none another.

    Where one of them cannot run the others still do.
    """
    names = tuple(dict.fromkeys(call.all("RESOURCE")))
    if len(names) < 2:
        raise UsageError("a bond is between two resources or more")
    require_resources(session, names)
    working = session.working
    cib = working.cib()
    anchor = f"bond-{'-'.join(names)}"
    number = 0
    while anchor in cib.ids():
        number += 1
        anchor = f"bond-{'-'.join(names)}-{number}"
    text = (
        f"primitive {anchor} ocf:pacemaker:Dummy op monitor interval=30s timeout=20s\n"
        f"colocation {anchor}-colocation inf: ( {' '.join(names)} ) {anchor}\n"
    )
    working.edit(lang.load(cib, text, catalogue=session.catalogue))
    session.console.info(f"they follow {anchor}, a resource that does nothing but be somewhere")
    return 0
