"""``crm_ticket``: the tickets of this site, as booth and people ask for them, give and take them.

What grants or takes a ticket needs ``--force``: nobody here knows whether another site has it.
"""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Callable, Sequence

from crmsh_py.cib.booleans import is_true
from crmsh_py.errors import CrmError, NotFound
from crmsh_py.tools.common import (
    Door,
    Parser,
    ToolUsageError,
    add_output,
    guarded,
    local_now,
    open_cluster,
    parse,
    put,
    request,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.cib.element import Element

TOOL = "crm_ticket"
_ABSENT = "Error performing operation: No such device or address"


class UnconfirmedError(CrmError):
    """What is done only if it is said twice."""

    exit_code = 4


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster) -> int:
    """Tell about tickets, or change one."""
    return guarded(TOOL, lambda: _run(argv, door), argv)


class _SetAttribute(argparse.Action):
    """``-S NAME -v VALUE``, as often as wanted: each value belongs to the name before it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        pairs: list[tuple[str, str | None]] = list(namespace.pairs)
        if self.dest == "name":
            pairs.append((str(values), None))
        elif not pairs:
            parser.error("--attr-value stands after --set-attr")
        else:
            pairs[-1] = (pairs[-1][0], str(values))
        namespace.pairs = pairs


def _parser() -> Parser:
    parser = Parser(prog=TOOL, description="Tells about tickets, and changes them.")
    parser.set_defaults(pairs=[], deleted=[])
    ask = parser.add_argument_group("queries")
    for *names, command, text in (
        ("-l", "--info", "info", "the state of tickets"),
        ("-L", "--details", "details", "the same with all attributes"),
        ("-w", "--raw", "raw", "the names of tickets"),
        ("-q", "--query-xml", "query_xml", "the state as XML"),
        ("-c", "--constraints", "constraints", "what depends on tickets, as XML"),
    ):
        ask.add_argument(*names, action="store_const", const=command, dest="query", help=text)
    ask.add_argument("-G", "--get-attr", metavar="NAME", help="an attribute of a ticket")
    do = parser.add_argument_group("changes")
    for *names, command, text in (
        ("-g", "--grant", "grant", "this site has it (--force)"),
        ("-r", "--revoke", "revoke", "this site has it no more (--force)"),
        ("-s", "--standby", "standby", "prepare to lose it"),
        ("-a", "--activate", "activate", "end standby"),
        ("-C", "--cleanup", "cleanup", "forget all of its state"),
    ):
        do.add_argument(*names, action="store_const", const=command, dest="change", help=text)
    do.add_argument("-S", "--set-attr", action=_SetAttribute, dest="name", metavar="NAME")
    do.add_argument("-v", "--attr-value", action=_SetAttribute, dest="value", metavar="VALUE")
    do.add_argument("-D", "--delete-attr", action="append", dest="deleted", metavar="NAME")
    parser.add_argument("-t", "--ticket", default="", metavar="NAME")
    parser.add_argument("-d", "--default", help="what --get-attr answers when nothing is set")
    parser.add_argument("-f", "--force", action="store_true")
    parser.add_argument("-Q", "--quiet", action="store_true", help="(answers are short anyway)")
    parser.add_argument("-V", "--verbose", action="count")
    parser.add_argument("-n", "--set-name", help="(taken, not needed)")
    parser.add_argument("-i", "--nvpair", help="(taken, not needed)")
    add_output(parser, "text", "xml")
    return parser


def _run(argv: Sequence[str] | None, door: Door) -> int:
    arguments = parse(_parser(), argv)
    changes = arguments.change or arguments.pairs or arguments.deleted
    if not (changes or arguments.query or arguments.get_attr):
        raise ToolUsageError("a command is needed", hint="--info tells the state of tickets")
    if (changes or arguments.get_attr) and not arguments.ticket:
        raise ToolUsageError("no ticket is named", hint="name one with --ticket")
    if unvalued := [name for name, value in arguments.pairs if value is None]:
        raise ToolUsageError(f"--set-attr {unvalued[0]} needs a value", hint="add --attr-value")
    parts: list[Element] = []
    if changes:
        _change(arguments, door)
    else:
        parts = _answer(door().read_cib(), arguments)
    if arguments.output_as == "xml":
        from crmsh_py.cib.element import Element
        from crmsh_py.views.result_xml import document

        told = [Element("tickets", {}, tuple(parts))] if parts else []
        put(document(told, request=request(TOOL, argv)))
    return 0


# ---- changes -------------------------------------------------------------------------------------


def _change(arguments: Namespace, door: Door) -> None:
    from crmsh_py.cib.tickets import ticket_state

    cluster, name = door(), arguments.ticket
    state = ticket_state(cluster.read_cib().status, name)
    has_it = state is not None and is_true(state.get("granted"))
    if arguments.change == "cleanup":
        if state is None:
            raise NotFound(f"No such ticket '{name}'")
        _require_force(arguments, takes=has_it, gives=False)
        cluster.set_ticket(name, None)
        put("" if arguments.output_as == "xml" else f"Cleaned up {name}\n")
        return
    attributes: dict[str, str | None] = dict(arguments.pairs)
    attributes |= dict.fromkeys(arguments.deleted)
    if arguments.change in ("grant", "revoke"):
        attributes["granted"] = "true" if arguments.change == "grant" else "false"
    elif arguments.change:
        attributes["standby"] = "true" if arguments.change == "standby" else "false"
    if "granted" in attributes:
        gives = is_true(attributes["granted"])
        _require_force(arguments, takes=not gives, gives=gives)
        if gives and not has_it:
            attributes.setdefault("last-granted", str(int(local_now().timestamp())))
    cluster.set_ticket(name, attributes)


def _require_force(arguments: Namespace, *, takes: bool, gives: bool) -> None:
    if arguments.force or not (takes or gives):
        return
    name = arguments.ticket
    if gives:
        raise UnconfirmedError(
            f"whether another site has {name} cannot be seen from here",
            hint="if you are sure that none has it, say --force",
        )
    raise UnconfirmedError(
        f"without {name}, what depends on it is stopped, fenced or demoted as its loss-policy says",
        hint=f"{TOOL} --ticket {name} --constraints tells what does; then say --force",
    )


# ---- queries -------------------------------------------------------------------------------------


def _answer(cib: Cib, arguments: Namespace) -> list[Element]:
    if arguments.get_attr:
        return _attribute(cib, arguments)
    if arguments.query == "constraints":
        return _constraints(cib, arguments)
    return _tickets(cib, arguments)


def _attribute(cib: Cib, arguments: Namespace) -> list[Element]:
    from crmsh_py.cib.element import Element
    from crmsh_py.cib.tickets import ticket_state

    state = ticket_state(cib.status, arguments.ticket)
    value = arguments.default if state is None else state.attrs.get(arguments.get_attr)
    value = arguments.default if value is None else value
    if value is None:
        raise NotFound(_ABSENT)
    if arguments.output_as != "xml":
        put(f"{value}\n")
    inside = Element("attribute", {"name": arguments.get_attr, "value": value})
    return [Element("ticket", {"id": arguments.ticket}, (inside,))]


def _tickets(cib: Cib, arguments: Namespace) -> list[Element]:
    """Those of the status section, and those that only constraints name."""
    from crmsh_py.cib.element import Element
    from crmsh_py.cib.tickets import ticket_state
    from crmsh_py.views import mon_facts

    found = mon_facts.tickets(cib)
    if arguments.ticket:
        found = [ticket for ticket in found if ticket.id == arguments.ticket]
        if not found:
            names = [ticket.id for ticket in mon_facts.tickets(cib)]
            raise NotFound(
                f"No such ticket '{arguments.ticket}'", name=arguments.ticket, possibilities=names
            )
    parts, texts = [], []
    for ticket in found:
        state = ticket_state(cib.status, ticket.id) or Element("ticket_state", {"id": ticket.id})
        line, shown = _LINES[arguments.query](ticket, state)
        texts.append(line)
        parts.append(shown)
    if arguments.output_as != "xml":
        title = "State XML:\n\n" if arguments.query == "query_xml" and texts else ""
        put(title + "".join(f"{text}\n" for text in texts))
    return parts


def _info(ticket: mon_facts.Ticket, state: Element, *, details: bool = False) -> _Shown:
    from crmsh_py.cib.element import Element
    from crmsh_py.views.text import legible, unix_clock_text

    told = "granted" if ticket.granted else "revoked"
    last = unix_clock_text(ticket.last_granted, local_now()) if ticket.last_granted else ""
    attributes = {name: value for name, value in state.attrs.items() if name != "id"}
    if last:
        attributes["last-granted"] = last
    line = f"{ticket.id}\t{told}{' [standby]' if ticket.standby else ''}"
    if details and attributes:
        line += f"\t({', '.join(f'{name}={value}' for name, value in attributes.items())})"
    elif last:
        line += f' last-granted="{last}"'
    standby = "true" if ticket.standby else "false"
    shown = {"id": ticket.id, "status": told, "standby": standby, **attributes}
    return legible(line), Element("ticket", shown)


def _raw(ticket: mon_facts.Ticket, state: Element) -> _Shown:
    from crmsh_py.views.text import legible

    return legible(ticket.id), _info(ticket, state)[1]


def _xml(ticket: mon_facts.Ticket, state: Element) -> _Shown:
    from crmsh_py.cib.element import Element
    from crmsh_py.cib.xml import to_xml

    return to_xml(state).rstrip("\n"), Element("ticket", dict(state.attrs))


if TYPE_CHECKING:
    from crmsh_py.views import mon_facts

    _Shown = tuple[str, Element]
_LINES: dict[str, Callable[[mon_facts.Ticket, Element], _Shown]] = {
    "info": _info,
    "details": lambda ticket, state: _info(ticket, state, details=True),
    "raw": _raw,
    "query_xml": _xml,
}


def _constraints(cib: Cib, arguments: Namespace) -> list[Element]:
    from crmsh_py.cib.element import Element
    from crmsh_py.cib.xml import to_xml

    found: dict[str, list[Element]] = {}
    for constraint in cib.section("constraints").findall("rsc_ticket"):
        if arguments.ticket in ("", constraint.get("ticket")):
            found.setdefault(constraint.get("ticket"), []).append(constraint)
    if not found:
        raise NotFound("Could not show ticket constraints: No such device or address")
    if arguments.output_as != "xml":
        texts = [to_xml(each).rstrip("\n") for of_it in found.values() for each in of_it]
        put("Constraints XML:\n\n" + "".join(f"{text}\n" for text in texts))
    return [
        Element("ticket", {"id": name}, (Element("constraints", {}, tuple(of_it)),))
        for name, of_it in found.items()
    ]
