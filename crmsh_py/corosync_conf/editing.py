"""Changes of a corosync.conf as a text: one key, one node; comments and everything else stay.

Input: the text of a whole file; output: the changed text. Keys are named by their path, as
corosync-cmapctl names them: ``totem.token``, ``totem.interface.0.mcastport`` (the number counts
sections of one name, 0 may be left out), ``nodelist.node.1.name``. What the result means is for
``parse`` to judge.
"""

from __future__ import annotations

from collections.abc import Iterator

from crmsh_py.corosync_conf.sections import KEY, Section, lines_of, parse_sections
from crmsh_py.errors import ConfigError, NotFound
from crmsh_py.whole_numbers import is_number

_ORIGIN = "corosync.conf"
_STEP = "    "
# Sections that may be made where a file has none.
_SECTIONS = ("totem", "nodelist", "quorum", "logging", "interface", "node", "device", "model")


def value_of(text: str, path: str) -> str | None:
    """The value of a key as it is written; None if it is not."""
    section, key = _find(parse_sections(text, _ORIGIN), *_split(path))
    entry = section.get(key) if section is not None else None
    return entry.value if entry is not None else None


def paths(text: str) -> list[str]:
    """The paths of all keys that the file has, in its order."""
    return list(_paths(parse_sections(text, _ORIGIN), ""))


def with_value(text: str, path: str, value: str) -> str:
    """The text with one key set: where it stands, or at the end of its section.

    Raises:
        ConfigError: the value cannot stand on a line, or the path names no section.
    """
    if any(character in value for character in "\n\r{}\0"):
        raise ConfigError(f"“{value}” cannot stand in corosync.conf")
    steps, key = _split(path)
    root = parse_sections(text, _ORIGIN)
    section, _ = _find(root, steps, key)
    lines = lines_of(text)
    if section is None:
        return _with_section(text, root, steps, key, value)
    entry = section.get(key)
    if entry is not None:
        line = lines[entry.line - 1]
        head, _, old = line.partition(":")
        blank = old[: len(old) - len(old.lstrip())] or " "
        lines[entry.line - 1] = f"{head}:{blank}{value}"
    else:
        last = _end_of(lines, section)
        lines.insert(last, f"{_indent(lines, section)}{key}: {value}")
    return "\n".join(lines) + "\n"


def with_node(text: str, address: str, name: str = "") -> str:
    """The text with a node more at the end of its nodelist, with the next free nodeid if the
    others have one. Raises ConfigError: there is no nodelist, or the address is in it.
    """
    nodelist = _nodelist(text)
    nodes = nodelist.named("node")
    for node in nodes:
        for key, value in (("ring0_addr", address), ("name", name)):
            entry = node.get(key)
            if value and entry is not None and entry.value == value:
                raise ConfigError(f"the nodelist has a node with the {key} {value} already")
    lines = lines_of(text)
    outer = _indent(lines, nodelist)
    inner = _indent(lines, nodes[-1]) if nodes else outer + _STEP
    new = [f"{outer}node {{", f"{inner}ring0_addr: {address}"]
    if name:
        new.append(f"{inner}name: {name}")
    ids = [int(e.value) for node in nodes if (e := node.get("nodeid")) and is_number(e.value)]
    if ids or not nodes:
        new.append(f"{inner}nodeid: {max(ids, default=0) + 1}")
    new.append(f"{outer}}}")
    last = _end_of(lines, nodelist)
    lines[last:last] = new
    return _counted("\n".join(lines) + "\n")


def without_node(text: str, name: str) -> str:
    """The text without the node of that name or address. Raises NotFound."""
    nodelist = _nodelist(text)
    nodes = nodelist.named("node")
    known = [e.value for node in nodes for key in ("name", "ring0_addr") if (e := node.get(key))]
    for node in nodes:
        if name in (e.value for key in ("name", "ring0_addr") if (e := node.get(key))):
            lines = lines_of(text)
            del lines[node.line - 1 : _end_of(lines, node) + 1]
            return _counted("\n".join(lines) + "\n")
    raise NotFound(f"the nodelist has no node {name}", name=name, possibilities=known)


def with_votes(text: str, votes: int, *, nodes: int) -> str:
    """The text with so many expected votes; ``two_node``, where it stands, is on for two nodes with
    a vote each, which go on when one is lost, and off for others.
    """
    text = with_value(text, "quorum.expected_votes", str(votes))
    if value_of(text, "quorum.two_node") is not None:
        text = with_value(text, "quorum.two_node", "1" if votes == nodes == 2 else "0")
    return text


def _counted(text: str) -> str:
    """With as many expected votes as the nodes have, where the file names a number."""
    if value_of(text, "quorum.expected_votes") is None:
        return text
    nodes = _nodelist(text).named("node")
    own = [node.get("quorum_votes") for node in nodes]
    votes = sum(int(o.value) if o is not None and is_number(o.value) else 1 for o in own)
    return with_votes(text, votes, nodes=len(nodes))


def _nodelist(text: str) -> Section:
    found = parse_sections(text, _ORIGIN).named("nodelist")
    if not found:
        raise ConfigError(
            "this corosync.conf has no nodelist: its nodes are those that answer in its network",
            hint="corosync set quorum.expected_votes N says how many there are",
        )
    return found[0]


def _split(path: str) -> tuple[tuple[tuple[str, int], ...], str]:
    """``totem.interface.0.mcastport`` as ((totem, 0), (interface, 0)) and mcastport."""
    *words, key = path.split(".")
    steps: list[tuple[str, int]] = []
    for word in words:
        if word.isdecimal() and steps:
            steps[-1] = (steps[-1][0], int(word[:9]))
        else:
            steps.append((word, 0))
    if not steps or not KEY.fullmatch(key) or not all(KEY.fullmatch(name) for name, _ in steps):
        raise ConfigError(f"“{path}” names no key", hint="as totem.token, nodelist.node.0.name")
    return tuple(steps), key


def _find(
    root: Section, steps: tuple[tuple[str, int], ...], key: str
) -> tuple[Section | None, str]:
    section = root
    for name, number in steps:
        # Corosync merges sections of one name on the highest level; a key stands in one of them.
        named = section.named(name)
        if section is root and number == 0 and len(steps) == 1:
            having = next((s for s in reversed(named) if s.get(key)), None)
            named = (having,) if having is not None else named
        if number >= len(named):
            return None, key
        section = named[number]
    return section, key


def _with_section(
    text: str, root: Section, steps: tuple[tuple[str, int], ...], key: str, value: str
) -> str:
    """Make the section that is missing, inside the ones that are there."""
    outer = root
    depth = 0
    for name, number in steps:
        named = outer.named(name)
        if number >= len(named):
            break
        outer, depth = named[number], depth + 1
    missing = steps[depth:]
    for name, number in missing:
        if name not in _SECTIONS or number > len(outer.named(name)):
            raise NotFound(
                f"corosync.conf has no section {name}{f' number {number}' if number else ''}",
                name=name,
                possibilities=_SECTIONS,
            )
    lines = lines_of(text)
    margin = _indent(lines, outer) if depth else ""
    new = [f"{margin}{_STEP * i}{name} {{" for i, (name, _) in enumerate(missing)]
    new.append(f"{margin}{_STEP * len(missing)}{key}: {value}")
    new += [f"{margin}{_STEP * i}}}" for i in reversed(range(len(missing)))]
    place = _end_of(lines, outer) if depth else len(lines)
    lines[place:place] = new if depth else ["", *new]
    return "\n".join(lines) + "\n"


def _end_of(lines: list[str], section: Section) -> int:
    """The index of the line with the section's closing brace."""
    depth = 0
    for index in range(section.line - 1, len(lines)):
        words = lines[index].strip()
        if words.startswith("#"):
            continue
        if words.endswith("{"):
            depth += 1
        elif words == "}":
            depth -= 1
            if depth == 0:
                return index
    raise AssertionError("the text was read: every section has its end")


def _indent(lines: list[str], section: Section) -> str:
    """The blanks before what stands in a section."""
    inside = [e.line for e in section.entries] or [s.line for s in section.sections]
    line = lines[(inside[0] if inside else section.line) - 1]
    blank = line[: len(line) - len(line.lstrip())]
    return blank if inside else blank + _STEP


def _paths(section: Section, prefix: str) -> Iterator[str]:
    for key in dict.fromkeys(entry.key for entry in section.entries):
        yield f"{prefix}{key}"
    counted: dict[str, int] = {}
    for inner in section.sections:
        number = counted.get(inner.name, 0)
        counted[inner.name] = number + 1
        several = len(section.named(inner.name)) > 1 or inner.name in ("interface", "node")
        yield from _paths(inner, f"{prefix}{inner.name}.{f'{number}.' if several else ''}")
