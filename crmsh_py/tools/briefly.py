"""What agents call in every operation, in as little time as a process can take.

``crm_attribute``, ``crm_master``, ``attrd_updater`` and ``crm_node`` first come here. Command lines
that are plain (their options are in the tables below, and say one thing to be done) are answered by
one question to the lab's node (``clusters.single``). Everything else gets None, and goes the usual
way through the module that knows all: other clusters, other options, help, mistakes.

Nothing is loaded for it that has to be compiled or has classes to make: no argparse, no re, no
enum (``tests/tools/test_imports.py``).
"""

from __future__ import annotations

import os
import sys

from crmsh_py.errors import Ambiguous, CrmError, NoQuorum, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from crmsh_py.clusters.single import Map, Single

_NO_SUCH = 105  # ENOSUCH of Pacemaker's tools
_NO_VALUE = 78  # what attrd_updater says instead, since Pacemaker 2.1.3
_ON_NODE = "OCF_RESKEY_CRM_meta_on_node"

# Options: what they are, by how they are written. Those with a value end with "=".
_ATTRIBUTE = {
    "query": ("-G", "--query", "--get-value"),
    "value=": ("-v", "--update", "--attr-value"),
    "delete": ("-D", "--delete", "--delete-attr"),
    "name=": ("-n", "--name", "--attr-name"),
    "section=": ("-t", "--type"),
    "node=": ("-N", "-U", "--node", "--uname", "--node-uname"),
    "lifetime=": ("-l", "--lifetime"),
    "utilization": ("-z", "--utilization"),
    "default=": ("-d", "--default"),
    "quiet": ("-q", "--quiet", "-Q"),
}
_MASTER = {**_ATTRIBUTE, "resource=": ("-r", "--resource")}
_UPDATER = {
    "name=": ("-n", "--name"),
    "value=": ("-U", "--update", "-v", "--value"),
    "query": ("-Q", "--query"),
    "delete": ("-D", "--delete"),
    "all": ("-A", "--all"),
    "node=": ("-N", "--node"),
    "private": ("-p", "--private"),
    "quiet": ("-q", "--quiet"),
}
_NODE = {"own": ("-n", "--name"), "quorum": ("-q", "--quorum")}
_LIFETIMES = {"reboot": "status", "forever": "nodes"}
_SECTIONS = ("crm_config", "nodes", "status", "rsc_defaults", "op_defaults")


def run(tool: str, words: Sequence[str], environ: Mapping[str, str]) -> int | None:
    """Do what the command line says, and return its exit code; None: it must go the usual way."""
    table, act = _TOOLS[tool]
    options = read(table, words)
    if options is None:
        return None
    if getattr(sys.stdout, "errors", "") == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = act(tool, options, environ)
        sys.stdout.flush()
        return code
    except CrmError as error:
        print(f"{tool}: {error.format_message()}", file=sys.stderr)
        if isinstance(error, NotFound):
            return _NO_VALUE if tool == "attrd_updater" and "query" in options else _NO_SUCH
        return error.exit_code
    except (BrokenPipeError, KeyboardInterrupt):
        return None


def read(table: Mapping[str, tuple[str, ...]], words: Sequence[str]) -> dict[str, str] | None:
    """The options of a plain command line by name; None where it is not plain.

    Values may follow as a word of their own (whatever it begins with), or after ``=`` behind a
    long name. No option may come twice.
    """
    names = {written: name for name, forms in table.items() for written in forms}
    found: dict[str, str] = {}
    left = iter(words)
    for word in left:
        written, given, value = word.partition("=") if word[:2] == "--" else (word, "", "")
        name = names.get(written, "")
        if not name or name.rstrip("=") in found:
            return None
        if name[-1] == "=":
            if not given and (value := next(left, None)) is None:  # type: ignore[assignment]
                return None
            found[name[:-1]] = value
        elif given:
            return None
        else:
            found[name] = "yes"
    return found


# ---- the tools ----------------------------------------------------------------------------------


def _attribute(tool: str, options: dict[str, str], environ: Mapping[str, str]) -> int | None:
    changes = ("value" in options) + ("delete" in options)
    section = _section(options)
    if not options.get("name") or changes + ("query" in options) > 1 or not section:
        return None
    if options.get("value", "").startswith("value"):  # value++, value+=5
        return None
    if "delete" in options and section != "status":
        return None  # what was deleted is told with its id
    own = section in ("nodes", "status", "utilization")
    single = _contact(tool, environ, asks=own or not changes)
    if single is None:
        return None
    node = _node(single, options, environ) if own else ""
    name = options["name"]
    if not changes:
        try:
            return _query_pair(single, section, node, options)
        except Ambiguous:
            return None  # all that have the name are told
    value = options.get("value")
    if section == "status":
        _expect(single.ask(_set_attribute(node, name, value)), "Done")
    else:
        message: Map = {
            "type": "SetPair",
            "section": section,
            "node": node,
            "name": name,
            "value": value,
            "client": tool,
        }
        try:
            _expect(single.ask(message), "Committed")
        except NoQuorum:
            if environ.get("CRM_NODE"):
                raise
            return None  # it was the first node that came to mind: another one may have quorum
    return 0


def _section(options: Mapping[str, str]) -> str:
    """The section that is meant; '' for what the usual way has to judge."""
    kind = "utilization" if "utilization" in options else "nodes"
    if "section" in options:
        section = options["section"]
        if section not in _SECTIONS or "lifetime" in options:
            return ""
        return kind if section == "nodes" else section
    if "lifetime" in options:
        section = _LIFETIMES.get(options["lifetime"], "")
        return kind if section == "nodes" else section
    return kind if "node" in options or "utilization" in options else "crm_config"


def _query_pair(single: Single, section: str, node: str, options: Mapping[str, str]) -> int:
    name = options["name"]
    reply = _expect(
        single.ask({"type": "ReadPair", "section": section, "node": node, "name": name}),
        "PairReply",
    )
    value = reply.get("value")
    found = options.get("default") if value is None else str(value)
    if found is None:
        raise NotFound("Error performing operation: No such device or address")
    scope = "nodes" if section == "utilization" else section
    line = found if "quiet" in options else f"scope={scope}  name={name} value={found}"
    sys.stdout.write(f"{line}\n")
    return 0


def _master(tool: str, options: dict[str, str], environ: Mapping[str, str]) -> int | None:
    resource = options.pop("resource", "") or environ.get("OCF_RESOURCE_INSTANCE", "")
    if not resource or "name" in options:
        return None
    options["name"] = f"master-{resource}"
    if "section" not in options:
        options.setdefault("lifetime", "forever")
    return _attribute(tool, options, environ)


def _updater(tool: str, options: dict[str, str], environ: Mapping[str, str]) -> int | None:
    do = [name for name in ("value", "query", "delete") if name in options]
    value = options.get("value")
    counts = value is not None and value.startswith("value")  # value++, value+=5
    if not options.get("name") or len(do) != 1 or counts:
        return None
    everywhere = "all" in options or not ("node" in options or "OCF_RESOURCE_INSTANCE" in environ)
    single = _contact(tool, environ)
    if single is None:
        return None
    name, node = options["name"], _node(single, options, environ)
    if "query" not in options:
        message = _set_attribute(node, name, value, private="private" in options)
        _expect(single.ask(message), "Done")
        return 0
    reply = _expect(single.ask({"type": "ReadAttribute", "name": name}), "AttributeReply")
    values = reply.get("values")
    assert isinstance(values, dict)
    told = [(n, values[n]) for n in (sorted(values) if everywhere else [node]) if n in values]
    for where, each in told:
        line = f'name="{name}" host="{where}" value="{each}"'
        sys.stdout.write(f"{each if 'quiet' in options else line}\n")
    if not told:
        raise NotFound(f"Could not query value of {name}: attribute does not exist")
    return 0


def _crm_node(tool: str, options: dict[str, str], environ: Mapping[str, str]) -> int | None:
    if len(options) != 1:
        return None
    single = _contact(tool, environ)
    if single is None:
        return None
    if "own" in options:
        sys.stdout.write(f"{_node(single, {}, environ)}\n")
        return 0
    reply = _expect(single.ask({"type": "ReadMembership"}), "MembershipReply")
    sys.stdout.write(f"{int(reply.get('quorate') is True)}\n")
    return 0


if TYPE_CHECKING:
    _Act = Callable[[str, dict[str, str], Mapping[str, str]], int | None]
_TOOLS: dict[str, tuple[Mapping[str, tuple[str, ...]], _Act]] = {
    "crm_attribute": (_ATTRIBUTE, _attribute),
    "crm_master": (_MASTER, _master),
    "attrd_updater": (_UPDATER, _updater),
    "crm_node": (_NODE, _crm_node),
}


# ---- what they share ----------------------------------------------------------------------------


def _contact(tool: str, environ: Mapping[str, str], *, asks: bool = True) -> Single | None:
    from crmsh_py.clusters.single import contact

    return contact(environ, tool, asks=asks)


def _node(single: Single, options: Mapping[str, str], environ: Mapping[str, str]) -> str:
    """The node that is meant: the one given, the guest that an agent acts for, or this one."""
    return options.get("node") or environ.get(_ON_NODE) or single.node


def _set_attribute(node: str, name: str, value: str | None, *, private: bool = False) -> Map:
    message: dict[str, str | bool | None] = {"type": "SetAttribute", "node": node, "name": name}
    message["value"] = value
    if private:
        message["private"] = True
    return message


def _expect(reply: Map, kind: str) -> Map:
    if reply.get("type") != kind:
        raise CrmError(f"an answer of the wrong kind: {reply.get('type')}")
    return reply


def main_of(
    name: str, argv: Sequence[str] | None, usual: str, door: object = None, **more: object
) -> int:
    """A tool's ``main``: this way if it can be, else that of the module ``usual``.

    ``argv`` and ``door`` are for callers inside of a process: these are never in a hurry.
    """
    if argv is None and door is None:
        code = run(name, sys.argv[1:], os.environ)
        if code is not None:
            return code
    module = __import__(f"crmsh_py.tools.{usual}", fromlist=["main"])
    if door is not None:
        more["door"] = door
    code = module.main(argv, **more)
    assert isinstance(code, int)
    return code
