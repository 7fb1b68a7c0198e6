"""The command line of ``crm`` itself: what stands before the first word of a command.

The options are crmsh's, and an unknown one is an error (crmsh ignores it silently).
"""

from __future__ import annotations

from collections.abc import Sequence

from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.errors import UsageError, did_you_mean
from crmsh_py.value import Value, frozen

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
  -D, --display KIND    plain, color, color-always or uppercase
      --no-color        the same as --display plain (NO_COLOR in the environment, too)
      --output-as FORM  text, json or xml: what a command shows, for programs; it may also
                        stand at the end of a command
      --cluster KIND    local, file or pacemaker
      --host USER@NODE  the Pacemaker cluster that this machine is in, by ssh
      --layout LAYOUT   classic or modern, for status
  -h, --help            this text; 'crm help' lists the commands
      --version         the version of this program

Start with:
  crm lab create && crm lab start     a three-node cluster on this machine
  crm status                          what it does
  crm configure                       change it"""


@frozen
class Options(Value):
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
    host: str = ""
    layout: str = ""
    output_as: str = ""
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
    "--host": "host",
    "--layout": "layout",
    "--output-as": "output_as",
}
_LABS = "a lab is named by the environment: CRM_LAB=NAME crm …; crm lab list names them"
NO_COLOUR = ("--no-color", "--no-colour")
FORMS = ("text", "json", "xml", "html")
_CHOICES = {
    "display": ("plain", "color", "color-always", "uppercase"),
    "cluster": tuple(ClusterKind),
    "layout": ("classic", "modern"),
    "output_as": FORMS,
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
        elif word in NO_COLOUR:
            values["display"] = "plain"
        elif name in _VALUES:
            if not equals:
                if position == len(argv):
                    raise UsageError(f"option {name} needs a value", hint="see: crm --help")
                value = argv[position]
                position += 1
            values[_VALUES[name]] = _checked(name, _VALUES[name], value)
        else:
            near = did_you_mean(word, [*_FLAGS, *_VALUES, NO_COLOUR[0]])
            if name == "--lab":
                near = _LABS
            raise UsageError(f"unknown option {word}", hint=near or "see: crm --help")
    words = list(argv[position:])
    values |= _trailing(words)
    return Options(words=tuple(words), **flags, **values)  # type: ignore[arg-type]


def _trailing(words: list[str]) -> dict[str, str]:
    """Take the options that may stand at the end of a command off it.

    Not from programs that a command runs: their options are theirs.
    """
    found: dict[str, str] = {}
    while words and "--" not in words and words[:2] != ["lab", "exec"]:
        if words[-1] in NO_COLOUR:
            found["display"] = "plain"
            del words[-1:]
        elif words[-1].startswith("--output-as="):
            found["output_as"] = checked_form(words.pop().partition("=")[2])
        elif len(words) > 1 and words[-2] == "--output-as":
            found["output_as"] = checked_form(words[-1])
            del words[-2:]
        else:
            break
    return found


def checked_form(form: str) -> str:
    """A form of output that there is. Raises UsageError."""
    return _checked("--output-as", "output_as", form)


def _checked(option: str, field: str, value: str) -> str:
    choices = _CHOICES.get(field)
    if choices and value not in choices:
        raise UsageError(
            f"option {option}: {value} is none of {', '.join(choices)}",
            hint=did_you_mean(value, choices) or (_LABS if field == "cluster" else None),
        )
    return value
