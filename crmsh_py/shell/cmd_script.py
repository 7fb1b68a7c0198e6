"""The ``script`` level: a whole service in one command.

crmsh's scripts are wizards that change machines; what is left of them here is what a shell of the
cluster can do by itself: the templates of ``configure template``, filled in and committed at once.
"""

from __future__ import annotations

from crmsh_py.cib.check_references import objects
from crmsh_py.cib.document import Cib
from crmsh_py.errors import ConfigError
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
    before = session.working.cib()
    changed, typed = loading.load_text(
        before,
        text,
        how="update",
        origin=f"script {name}",
        catalogue=session.catalogue,
    )
    commits.refuse_wrong(session, changed, typed)
    if not session.options.force:
        _refuse_other(name, before, changed)
    return text, changed


def _refuse_other(script: str, before: Cib, after: Cib) -> None:
    """Raise ConfigError for what is there already and would become another one: what a script
    makes is new. The same once more is no change.
    """
    different = commits.changed_names(before, after)
    there = [name for name, _ in objects(before) if name in different and _is_one(after, name)]
    if there:
        raise ConfigError(
            f"there is {' and '.join(there)} already, and it is another one",
            hint=f"crm script show {script} tells what names it; -F overwrites it",
        )


def _is_one(cib: Cib, name: str) -> bool:
    """Whether it is a resource or a constraint: options of the cluster are there to be changed."""
    parts = (
        part for section in ("resources", "constraints") for part in cib.section(section).iter()
    )
    return any(part.id == name for part in parts)
