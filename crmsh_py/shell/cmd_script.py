"""The ``script`` level: a whole service in one command.

crmsh's scripts are wizards that change machines; what is left of them here is what a shell of the
cluster can do by itself: the templates of ``configure template``, filled in and committed at once.
"""

from __future__ import annotations

from crmsh_py.cib.document import Cib
from crmsh_py.lang.ast import CommandCall
from crmsh_py.lang.templates import Template
from crmsh_py.shell import cmd_template, commits, loading
from crmsh_py.shell.session import Session
from crmsh_py.views import templates as view
from crmsh_py.views.records import Text


def list(session: Session, call: CommandCall) -> int:
    """The names, with what each makes."""
    found = {name: cmd_template.shipped_template(name).summary for name in cmd_template.shipped()}
    record = view.listing(found, (), "")
    text = "\n".join(f"{one.name:<16} {one.summary}" for one in record.templates)
    session.show(text, lambda: record)
    return 0


def show(session: Session, call: CommandCall) -> int:
    """What it makes, and what it has to be told."""
    name = call.get("TEMPLATE_NAME") or ""
    record = view.details(name, _template(name))
    session.show(view.details_text(record), lambda: record)
    return 0


def verify(session: Session, call: CommandCall) -> int:
    """The text that would be configured, checked as a commit would; nothing is changed."""
    text, changed = _loaded(session, call)
    lines = tuple(text.splitlines())
    session.show(text, lambda: Text(call.get("TEMPLATE_NAME") or "", lines))
    found = commits.news(session, session.working.cib(), changed)
    return 1 if commits.report(session, found) else 0


def run(session: Session, call: CommandCall) -> int:
    """Configure it; inside ``configure`` it joins the pending changes."""
    _, changed = _loaded(session, call)
    session.working.edit(changed)
    if "configure" in session.levels:
        return 0
    try:
        return commits.commit(session, kept=False)
    finally:
        session.working.refresh()  # there is no place here where one could mend it


def _template(name: str) -> Template:
    return cmd_template.shipped_template(name)


def _loaded(session: Session, call: CommandCall) -> tuple[str, Cib]:
    """The text of a script with its values, and the configuration with it."""
    name = call.get("TEMPLATE_NAME") or ""
    values = dict(pair.partition("=")[::2] for pair in call.all("VALIDATE_PAIR"))
    text = _template(name).with_values(values).filled()
    changed, typed = loading.load_text(
        session.working.cib(),
        text,
        how="update",
        origin=f"script {name}",
        catalogue=session.catalogue,
    )
    commits.refuse_wrong(session, changed, typed)
    return text, changed
