"""Completion: what the grammar can take at the cursor, filled with names from a snapshot.

``lang.expect`` says which kinds of words may come; this module maps a kind to candidates. Nothing
here asks a node or runs a program: names come from the snapshot, agents from the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from crmsh_py.cib import options
from crmsh_py.errors import CrmError
from crmsh_py.lang.expectation import Expectation, expect
from crmsh_py.shell.declarations import BY_RULE, LEVELS
from crmsh_py.shell.session import Session
from crmsh_py.shell.snapshot import Snapshot, Snapshots

Candidate = tuple[str, str]  # what is inserted, and a word about it


class CrmCompleter(Completer):
    """prompt_toolkit's side of completion."""

    def __init__(self, session: Session, snapshots: Snapshots) -> None:
        self._session = session
        self._snapshots = snapshots

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        """Candidates for the word before the cursor."""
        levels = self._session.levels
        try:
            found = candidates(
                self._session,
                self._snapshots.current,
                document.text_before_cursor,
                levels[-1] if levels else "root",
            )
        except CrmError:
            return
        for text, meta, start in found:
            yield Completion(text, start_position=-start, display_meta=meta)


def candidates(
    session: Session, snapshot: Snapshot, text: str, level: str
) -> list[tuple[str, str, int]]:
    """(candidate, meta, length of what it replaces) for the end of ``text``, in a good order."""
    expectation = expect(text, level)
    prefix = expectation.prefix
    folded = prefix.lower()
    found: dict[str, str] = {}
    for word in expectation.keywords:
        found.setdefault(word, _about(word, expectation.level))
    for kind in expectation.kinds:
        for candidate, meta in _of_kind(session, snapshot, kind, expectation):
            found.setdefault(candidate, meta)
    fitting = [(c, m) for c, m in found.items() if c.lower().startswith(folded)]
    length = len(text) - expectation.start
    return [(candidate, meta, length) for candidate, meta in fitting]


def _about(word: str, level: str) -> str:
    declaration = BY_RULE.get(f"cmd_{level}_{word.replace('-', '_')}")
    return LEVELS.get(word) or (declaration.summary if declaration else "")


def _of_kind(
    session: Session, snapshot: Snapshot, kind: str, expectation: Expectation
) -> Iterable[Candidate]:
    named = _NAMES.get(kind)
    if named is not None:
        return [(name, "") for name in named(snapshot)]
    asked = _ASKED.get(kind)
    return asked(session, snapshot, expectation) if asked is not None else ()


def _agents(session: Session, snapshot: Snapshot, expectation: Expectation) -> Iterable[Candidate]:
    """Class, provider and type one after the other, as far as they are typed."""
    catalogue, prefix = session.catalogue, expectation.prefix
    parts = prefix.split(":")
    if len(parts) == 1:
        yield from ((f"{c.name}:", "") for c in catalogue.classes())
        yield from ((name, "ocf:heartbeat") for name in catalogue.list("ocf", "heartbeat"))
    elif parts[0] == "ocf" and len(parts) == 2:
        yield from ((f"ocf:{provider}:", "") for provider in catalogue.ocf_providers())
    elif parts[0] == "ocf":
        provider = parts[1]
        yield from ((f"ocf:{provider}:{t}", "") for t in catalogue.list("ocf", provider))
    else:
        yield from ((f"{parts[0]}:{t}", "") for t in catalogue.list(parts[0]))


def _templates(
    session: Session, snapshot: Snapshot, expectation: Expectation
) -> Iterable[Candidate]:
    return [(f"@{name}", "template") for name in snapshot.templates]


def _attributes(
    session: Session, snapshot: Snapshot, expectation: Expectation
) -> Iterable[Candidate]:
    """``name=`` of what may be set here: parameters, meta attributes, properties, values."""
    if name := expectation.attribute:
        return [(f"{name}={value}", "") for value in _values(session, expectation)]
    used = expectation.used
    return [(f"{n}=", meta) for n, meta in _names(session, expectation) if n not in used]


def _names(session: Session, expectation: Expectation) -> Iterable[Candidate]:
    part = expectation.part
    if part == "params":
        return _parameters(session, expectation.agent)
    if part == "op":
        advised = _advised(session, expectation.agent, expectation.operation)
        return [(name, advised.get(name, "")) for name in ("interval", "timeout", *_OP_REST)]
    tables: dict[str, Iterable[options.Option]] = {
        "meta": options.RESOURCE_META.values(),
        "property": options.CLUSTER_OPTIONS.values(),
        "rsc_defaults": options.RESOURCE_META.values(),
        "op_defaults": options.OPERATION.values(),
    }
    return [(option.name, option.help) for option in tables.get(part, ())]


_OP_REST = ("role", "on-fail", "enabled", "start-delay", "record-pending")


def _parameters(session: Session, agent: str) -> Iterable[Candidate]:
    """Required ones first."""
    if not agent:
        return []
    catalogue = session.catalogue
    metadata = catalogue.find(catalogue.resolve(agent))
    if metadata is None:
        return []
    parameters = sorted(metadata.parameters, key=lambda p: not p.required)
    return [(p.name, p.shortdesc) for p in parameters]


def _advised(session: Session, agent: str, operation: str) -> dict[str, str]:
    if not agent:
        return {}
    catalogue = session.catalogue
    metadata = catalogue.find(catalogue.resolve(agent))
    for action in metadata.actions if metadata else ():
        if action.name == operation:
            return {"interval": action.interval, "timeout": action.timeout}
    return {}


def _operations(
    session: Session, snapshot: Snapshot, expectation: Expectation
) -> Iterable[Candidate]:
    names = ["monitor", "start", "stop"]
    if expectation.agent:
        catalogue = session.catalogue
        metadata = catalogue.find(catalogue.resolve(expectation.agent))
        names = [a.name for a in metadata.actions] if metadata else names
    return [(n, "") for n in dict.fromkeys(names) if n not in ("meta-data", "validate-all")]


def _values(session: Session, expectation: Expectation) -> Iterable[str]:
    """The values that an attribute can have, where it has a short list of them."""
    name = expectation.attribute
    if expectation.part == "params" and expectation.agent:
        catalogue = session.catalogue
        metadata = catalogue.find(catalogue.resolve(expectation.agent))
        for parameter in metadata.parameters if metadata else ():
            if parameter.name == name:
                return ("true", "false") if parameter.type == "boolean" else parameter.values
        return ()
    for table in (options.CLUSTER_OPTIONS, options.RESOURCE_META, options.OPERATION):
        option = table.get(name)
        if option is not None:
            boolean = option.kind is options.Kind.BOOLEAN
            return ("true", "false") if boolean and not option.values else option.values
    return ()


_NAMES: dict[str, Callable[[Snapshot], Iterable[str]]] = {
    "RESOURCE": lambda s: s.resources,
    "MEMBER": lambda s: (*s.resources, *s.templates),
    "CHILD": lambda s: s.free,
    "TAGGED": lambda s: s.resources,
    "MONITORED": lambda s: tuple(s.agents),
    "OBJECT": lambda s: s.objects,
    "NODE_NAME": lambda s: s.nodes,
    "NODE_UNAME": lambda s: s.nodes,
    "HOST_NAME": lambda s: (*s.nodes, "host"),
    "FENCING_TARGET": lambda s: tuple(f"{node}:" for node in s.nodes),
    "DEVICES": lambda s: s.devices,
    "KIND": lambda s: ("Mandatory:", "Optional:", "Serialize:"),
    "SCORE": lambda s: ("INFINITY:", "-INFINITY:"),
    "PATH": lambda s: (*LEVELS, ".."),
    "TOPIC": lambda s: tuple(LEVELS),
    "STATUS_OPTION": lambda s: ("bynode", "inactive", "ops", "timing", "failcounts", "full"),
    "PROPERTY_NAME": lambda s: tuple(options.CLUSTER_OPTIONS),
    "META_NAME": lambda s: tuple(options.RESOURCE_META),
    "AGENT_CLASS": lambda s: ("lsb", "ocf", "service", "stonith", "systemd"),
    "AGENT_PROVIDER": lambda s: ("heartbeat", "pacemaker"),
}

_ASKED: dict[str, Callable[[Session, Snapshot, Expectation], Iterable[Candidate]]] = {
    "AGENT": _agents,
    "TEMPLATE_REF": _templates,
    "NVPAIR": _attributes,
    "OP_NAME": _operations,
}
