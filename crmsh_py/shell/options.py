"""The command line of ``crm`` itself: what stands before the first word of a command.

The options are crmsh's, and an unknown one is an error (crmsh ignores it silently).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crmsh_py.errors import UsageError, did_you_mean

USAGE = """\
Usage: crm [OPTIONS] [LEVEL…] [COMMAND [ARGUMENT…]]

Without a command, crm is interactive; with one, it runs that and leaves.

Options (before the command):
  -f, --file FILE       run the commands of a file (- is standard input)
  -F, --force           answer yes to every question, and force commits
  -n, --no              answer no to every question
      --force-no-quorum commit without quorum: after a disaster, and only then
  -w, --wait            after a change, wait until the cluster has carried it out
  -c, --cib NAME        work on the shadow configuration NAME
  -D, --display KIND    plain or color
      --cluster KIND    local, file or pacemaker
      --layout LAYOUT   classic or modern, for status
  -h, --help            this text; 'crm help' lists the commands
      --version         the version of this program

Start with:
  crm lab create && crm lab start     a three-node cluster on this machine
  crm status                          what it does
  crm configure                       change it"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One run of ``crm``. ``words`` are the command's words; none means REPL or batch."""

    words: tuple[str, ...] = ()
    file: str = ""
    force: bool = False
    answer_no: bool = False
    force_no_quorum: bool = False
    wait: bool = False
    shadow: str = ""
    display: str = ""
    cluster: str = ""
    layout: str = ""
    help: bool = False
    version: bool = False


_FLAGS = {
    "-F": "force",
    "--force": "force",
    "-n": "answer_no",
    "--no": "answer_no",
    "--force-no-quorum": "force_no_quorum",
    "-w": "wait",
    "--wait": "wait",
    "-h": "help",
    "--help": "help",
    "--version": "version",
}
_VALUES = {
    "-f": "file",
    "--file": "file",
    "-c": "shadow",
    "--cib": "shadow",
    "-D": "display",
    "--display": "display",
    "--cluster": "cluster",
    "--layout": "layout",
}
_CHOICES = {
    "display": ("plain", "color", "color-always", "uppercase"),
    "cluster": ("local", "file", "pacemaker"),
    "layout": ("classic", "modern"),
}


def parse(argv: Sequence[str]) -> Options:
    """Read ``sys.argv[1:]``; raises UsageError for what is no option of ours."""
    flags: dict[str, bool] = {}
    values: dict[str, str] = {}
    position = 0
    while position < len(argv) and argv[position].startswith("-") and argv[position] != "-":
        word = argv[position]
        position += 1
        if word == "--":
            break
        name, equals, value = word.partition("=")
        if word in _FLAGS:
            flags[_FLAGS[word]] = True
        elif name in _VALUES:
            if not equals:
                if position == len(argv):
                    raise UsageError(f"option {name} needs a value", hint="see: crm --help")
                value = argv[position]
                position += 1
            values[_VALUES[name]] = _checked(name, _VALUES[name], value)
        else:
            near = did_you_mean(word, [*_FLAGS, *_VALUES])
            raise UsageError(f"unknown option {word}", hint=near or "see: crm --help")
    return Options(words=tuple(argv[position:]), **flags, **values)  # type: ignore[arg-type]


def _checked(option: str, field: str, value: str) -> str:
    choices = _CHOICES.get(field)
    if choices and value not in choices:
        raise UsageError(
            f"option {option}: {value} is none of {', '.join(choices)}",
            hint=did_you_mean(value, choices),
        )
    return value
