"""Completion for one-shots: what bash, zsh and fish ask while ``crm …`` is being typed.

``crm --complete SHELL LINE`` prints one candidate a line, with a tab and a word about it where the
shell shows one. LINE is the command line up to the cursor. The answer must come at once, so only
what the place needs is loaded: most places need no cluster, and few need its state.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.errors import CrmError
from crmsh_py.regex import regex
from crmsh_py.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.lang.expectation import Expectation
    from crmsh_py.shell.snapshot import Snapshot
    from crmsh_py.shell.sources import Candidate, Sources

SHELLS = ("bash", "zsh", "fish")
_WORD = regex(r"""\s*(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+""", re.DOTALL)
_VALUED = {
    "-D": ("plain", "color", "color-always", "uppercase"),
    "--display": ("plain", "color", "color-always", "uppercase"),
    "--cluster": tuple(ClusterKind),
    "--layout": ("classic", "modern"),
    "--output-as": ("text", "json", "xml"),
    "--host": (),
    "-f": (),
    "--file": (),
    "-c": (),
    "--cib": (),
}
_OPTIONS = {
    "--file": "run the commands of a file",
    "--force": "answer yes to every question",
    "--no": "answer no to every question",
    "--force-no-quorum": "commit without quorum",
    "--wait": "wait until the cluster has carried it out",
    "--cib": "work on a shadow configuration",
    "--display": "plain or color",
    "--no-color": "without colours",
    "--output-as": "text, json or xml",
    "--cluster": "local, file or pacemaker",
    "--host": "a node of a real cluster, by ssh",
    "--layout": "classic or modern, for status",
    "--help": "how to call crm",
    "--version": "its version",
}
# Kinds that have their names from the cluster's configuration.
_FROM_CLUSTER = frozenset(
    {
        *("RESOURCE", "CHILD", "MEMBER", "MONITORED", "TAGGED", "OBJECT", "NODE_NAME"),
        *("NODE_UNAME", "HOST_NAME", "FENCING_TARGET", "DEVICES", "ROLE_NAME", "USER_ROLE"),
        *("TEMPLATE_REF", "DOLLAR_IDREF", "TICKET", "ATTRIBUTE", "VALUE", "SET_PATH", "INTERVAL"),
        *("ACL_REFERENCE", "ACL_SHORTCUT", "PARAM_NAME", "META_NAME", "REVISION", "SHADOW"),
    }
)


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Print the candidates; whatever goes wrong, a person who is typing is not told."""
    shell, line = (*arguments, "", "")[:2]
    if shell not in SHELLS:
        return 2
    try:
        for text in answers(shell, line, environ):
            print(text)
    except (CrmError, OSError):
        return 1
    return 0


def answers(shell: str, line: str, environ: Mapping[str, str]) -> Iterator[str]:
    """The lines that a shell reads."""
    typed = _split(line)
    unfinished = typed.options if typed.in_options else typed.text
    place = _word_start(unfinished)
    for candidate in _candidates(shell, typed, environ):
        yield _written(shell, candidate, unfinished[place:])


@frozen
class _Typed:
    """A command line behind ``crm``: its options, the command, and where the cursor is."""

    options: str
    text: str
    in_options: bool


def _candidates(shell: str, typed: _Typed, environ: Mapping[str, str]) -> Sequence[Candidate]:
    from crmsh_py.lang.expectation import expect
    from crmsh_py.shell.candidates import matching, offer
    from crmsh_py.shell.sources import Candidate

    if typed.in_options:
        options = typed.options
        begun = options[_word_start(options) :]
        before = _words(options)[:-1] if begun else _words(options)
        values = _VALUED.get(before[-1], ()) if before else ()
        offered = [Candidate(value) for value in values]
        if not values:
            offered = [Candidate(name, about) for name, about in _OPTIONS.items()]
        return matching(begun, offered)
    sources = _sources(shell, expect(typed.text), typed.options, environ)
    return offer(sources, typed.text).candidates


def _split(line: str) -> _Typed:
    rest = _after_word(line, 0)
    if rest is None:
        return _Typed("", "", in_options=False)  # the cursor is in the word crm itself
    position = rest
    while True:
        start = position + len(line[position:]) - len(line[position:].lstrip())
        if not line[start:].startswith("-"):
            return _Typed(line[rest:position], line[position:], in_options=False)
        end = _after_word(line, start)
        if end is None:
            return _Typed(line[rest:], "", in_options=True)
        position = end
        if line[start:end].strip() in _VALUED:
            value = _after_word(line, end)
            if value is None or not line[end:value].strip():
                return _Typed(line[rest:], "", in_options=True)
            position = value


def _after_word(line: str, start: int) -> int | None:
    """Where the word that begins at ``start`` is over; None when the cursor touches it."""
    match = _WORD.match(line, start)
    end = match.end() if match else start
    return end if end < len(line) and line[end].isspace() else None


def _words(text: str) -> list[str]:
    return [match.group().strip() for match in _WORD.finditer(text)]


def _word_start(text: str) -> int:
    """Where the word at the end of a text begins."""
    start = 0
    for match in _WORD.finditer(text):
        start = match.start() + len(match.group()) - len(match.group().lstrip())
        if match.end() < len(text):
            start = len(text)
    return min(start, len(text)) if text and not text[-1].isspace() else len(text)


# ---- where names come from -----------------------------------------------------------------------


def _sources(
    shell: str, expectation: Expectation, options: str, environ: Mapping[str, str]
) -> Sources:
    from crmsh_py.shell.snapshot import Snapshot
    from crmsh_py.shell.sources import Sources

    needed = not _FROM_CLUSTER.isdisjoint(expectation.kinds)
    needed |= expectation.agent.startswith("@") or expectation.part in ("attributes", "utilization")
    snapshot = _snapshot(expectation, options, environ) if needed else Snapshot()
    return Sources(
        snapshot,
        _Agents(environ),  # type: ignore[arg-type]
        _shipped,
        describes=shell != "bash",  # which shows no descriptions
    )


class _Agents:
    """The catalogue of agents, loaded when something of it is asked for: most words need none."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def __getattr__(self, name: str) -> object:
        from crmsh_py.agents.catalogue import Catalogue

        if "_catalogue" not in self.__dict__:
            self._catalogue = Catalogue.of_machine(self._environ)
        return getattr(self._catalogue, name)


def _shipped() -> Sequence[str]:
    from crmsh_py.shell import cmd_template

    return cmd_template.shipped()


def _snapshot(expectation: Expectation, options: str, environ: Mapping[str, str]) -> Snapshot:
    from crmsh_py.shell.offers import asks_for_state
    from crmsh_py.shell.snapshot import Snapshot, names_of, with_states

    if "SHADOW" in expectation.kinds:
        from crmsh_py.shell.background import shadows

        return Snapshot(shadows=shadows(environ))
    from crmsh_py.clusters.choose import choose
    from crmsh_py.shell.options import parse

    try:
        given = parse(shlex.split(options))
        cluster = choose(
            environ,
            kind=given.cluster or None,
            shadow=given.shadow or None,
            host=given.host or None,
        )
        cib = cluster.read_cib()
    except (CrmError, ValueError):
        return Snapshot()  # no cluster: everything else can be completed
    names = names_of(cib)
    if not asks_for_state(expectation.rule) or not cib.status.children:
        return names
    from datetime import datetime

    from crmsh_py.scheduler.status import cluster_status

    return with_states(names, cluster_status(cib, now=datetime.now().astimezone()))


# ---- as a shell reads it -------------------------------------------------------------------------


def _written(shell: str, candidate: Candidate, typed: str) -> str:
    """A candidate as its shell inserts it."""
    if shell == "fish":  # quotes and blanks are added by fish
        return f"{candidate.text}\t{candidate.about}"
    text = candidate.text
    if shell == "bash":  # which takes what stands behind the last = or : for the word
        kept = max(typed.rfind("="), typed.rfind(":")) + 1
        if kept and text.startswith(typed[:kept]):
            text = text[kept:]
    blank = "" if candidate.open else " "
    quoted = _quoted(text) + blank
    return quoted if shell == "bash" else f"{quoted}\t{candidate.label(typed)}\t{candidate.about}"


def _quoted(text: str) -> str:
    name, equals, value = text.partition("=")
    if equals and re.fullmatch(r"[\w.-]+", name):
        return f"{name}={shlex.quote(value)}" if value else text
    return shlex.quote(text) if text else ""


def script(shell: str) -> str:
    """What ``crm completion SHELL`` prints."""
    return _SCRIPTS[shell]


_BASH = """\
# Completion of crm for bash. Use it by:  source <(crm completion bash)
_crm() {
    mapfile -t COMPREPLY < <("$1" --complete bash "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
}
complete -o nospace -o nosort -F _crm crm
"""
_ZSH = """\
#compdef crm
# Completion of crm for zsh. Use it by:  source <(crm completion zsh)
_crm() {
    local line text shown about
    local -a texts rows
    for line in "${(@f)$("${words[1]}" --complete zsh "${(j: :)words[1,CURRENT-1]} $PREFIX" \\
            2>/dev/null)}"; do
        IFS=$'\\t' read -r text shown about <<< "$line"
        [[ -n $text ]] || continue
        # A candidate without the blank behind it (name=) goes on where it ends.
        texts+=("${line%%$'\\t'*}")
        rows+=("${(r:28:)shown}  $about")
    done
    (( $#texts )) && compadd -U -Q -S '' -V crm -l -d rows -a texts
}
(( $+functions[compdef] )) && compdef _crm crm
"""
_FISH = """\
# Completion of crm for fish. Use it by:  crm completion fish | source
function __crm_complete
    set -l words (commandline -opc)
    $words[1] --complete fish (commandline -cp | string collect) 2>/dev/null
end
complete --command crm --no-files --keep-order --arguments '(__crm_complete)'
"""
_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
