"""The commands of the ``configure`` level that look at the configuration.

They stand apart because looking is what people do most: nothing that checks, loads or commits has
to be imported for it.
"""

from __future__ import annotations

from crmsh_py import lang
from crmsh_py.cib.booleans import is_true
from crmsh_py.errors import ConfigError, Diagnostic, NotFound, UsageError, did_you_mean
from crmsh_py.lang.ast import CommandCall
from crmsh_py.shell.session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmsh_py.cib.document import Cib
    from crmsh_py.shell.configuration import Configuration

# What chooses objects in show, edit and filter, as ``lang.show`` takes it.
FILTERS = ("OBJECT", "FILTER", "CHANGED", "AND", "OR")


def show(session: Session, call: CommandCall) -> int:
    """The configuration as text or XML, whole or in part."""
    cib = session.working.cib()
    filters = call.all(*FILTERS)
    obscure = tuple(word.partition(":")[2] for word in call.all("OBSCURE")) or None
    if call.has("CHANGED"):  # how it is shown; the other words narrow down what
        others = call.all("OBJECT", "FILTER", "AND", "OR")
        return _show_changed(session, others, xml=call.has("XML"), obscure=obscure)
    as_xml = call.has("XML") or session.form == "xml"
    text = lang.show(cib, filters, xml=as_xml, obscure=obscure)
    if as_xml:  # the XML of a configuration is its own, and no record's
        session.console.out(text.rstrip("\n"))
        return 0

    def record() -> Configuration:
        from crmsh_py.shell import configuration  # only who asks for JSON needs records

        return configuration.record(cib, filters, obscure=obscure)

    session.show(text, record)
    return 0


def _show_changed(
    session: Session, filters: Sequence[str], *, xml: bool, obscure: Sequence[str] | None
) -> int:
    from crmsh_py.views.records import Text

    working = session.working
    cib = working.cib()
    changed = lang.difference(working.base, cib, filters, xml=xml, obscure=obscure)
    session.show("\n".join(changed), lambda: Text("changed", changed))
    if not changed:
        session.console.info("nothing has changed")
    return 0


def schema(session: Session, call: CommandCall) -> int:
    """The schema's name, or a change of it."""
    from crmsh_py.views.records import Value

    name = call.get("SCHEMA_NAME")
    cib = session.working.cib()
    if not name:
        session.show(cib.schema, lambda: Value("cib", "cib", "validate-with", cib.schema))
        return 0
    from crmsh_py.cib.upgrade import known_schemas

    if name not in known_schemas():
        known = known_schemas()
        hint = did_you_mean(name, known) or f"{known[0]} to {known[-1]} are"
        raise NotFound(f"schema {name} is not supported", hint=hint)
    changed = cib.with_attributes({"validate-with": name})
    _refuse_lacking(changed)
    session.working.edit(changed)
    return 0


def _refuse_lacking(cib: Cib) -> None:
    """Raise ConfigError for what the configuration has and its schema has not."""
    from crmsh_py.cib.check_values import check_schema

    if found := list(check_schema(cib)):
        diagnostics = [Diagnostic(str(finding), hint=finding.hint) for finding in found]
        raise ConfigError(found[0].message, diagnostics=diagnostics)


def get_property(session: Session, call: CommandCall) -> int:
    """The effective value of properties: what is set, else the default."""
    from crmsh_py.cib.options import CLUSTER_OPTIONS
    from crmsh_py.shell.configuration import Properties
    from crmsh_py.views.records import Names, Value

    values = session.working.cib().properties()
    names = call.all("PROPERTY_NAME")
    if not names:
        known = tuple(sorted(CLUSTER_OPTIONS))
        session.show("\n".join(known), lambda: Names(known))
        return 0
    found = []
    for name in names:
        option = CLUSTER_OPTIONS.get(name)
        value = values.get(name, option.default if option else None)
        if value is None:
            raise NotFound(f"there is no property {name}", name=name, possibilities=CLUSTER_OPTIONS)
        if call.has("TRUE_OPTION", "TRUE_SHORT"):
            value = "true" if is_true(value) else "false"
        found.append(Value("cluster", "property", name, value))
    text = "\n".join(each.value for each in found)
    session.show(text, lambda: Properties(tuple(found)))
    return 0


def graph(session: Session, call: CommandCall) -> int:
    """The constraints as Graphviz text, or as text for people."""
    from crmsh_py.shell import graphs
    from crmsh_py.views import constraint_graph
    from crmsh_py.views.records import Text

    form, *names = call.all("COMMAND_WORD") or ("text",)
    if form == "dot" and len(names) == 2:  # crmsh's way: graph dot FILE FORMAT
        form, names = names[1], names[:1]
    drawn = form in graphs.FORMATS
    if not (drawn or form in ("text", "dot")) or len(names) > 1:
        known = ", ".join(graphs.FORMATS)
        raise UsageError(
            f"graph does not know “{' '.join((form, *names))}”",
            hint=f"graph, graph dot [FILE], or graph FORMAT FILE with one of {known}",
        )
    cib = session.working.cib()
    if drawn:
        if not names:
            raise UsageError(
                f"graph {form}: to which file?", hint=f"graph {form} FILE, or graph dot"
            )
        graphs.draw(constraint_graph.dot(cib), form, names[0])
        return 0
    text = constraint_graph.dot(cib) if form == "dot" else constraint_graph.text(cib)
    if names:
        from crmsh_py.shell import files

        files.write_text(names[0], text)
    else:
        session.show(
            text or "no constraint says anything", lambda: Text(form, tuple(text.splitlines()))
        )
    return 0


def revisions(session: Session, call: CommandCall) -> int:
    """The stored commits, newest first."""
    from crmsh_py.tools.common import local_now
    from crmsh_py.views import revisions as view

    stored = session.cluster.revisions(int(call.get("COUNT") or 100))
    session.show(view.table(stored, now=local_now()), lambda: view.record(stored))
    return 0


def diff(session: Session, call: CommandCall) -> int:
    """What changed between two revisions (default: from one to what is now)."""
    from crmsh_py.shell import history
    from crmsh_py.views.records import Text

    names = call.all("REVISION")
    old = history.at(session, names[0])
    new = history.at(session, names[1]) if len(names) > 1 else session.working.cib()
    changed = lang.difference(old, new)
    session.show("\n".join(changed), lambda: Text(" ".join(names), changed))
    return 0
