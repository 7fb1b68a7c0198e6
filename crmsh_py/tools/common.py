"""What all the tools share: arguments, the way to the cluster, errors, time.

A tool is ``main(argv=None) -> exit code``. It parses its arguments, asks the cluster through the
port, lets a view make the text, and prints it. A ``CrmError`` becomes one message on stderr
(``tool: message``) and its exit code; a bad command line is exit code 64, as with all of
Pacemaker's tools.

Start-up time is a promise (150 ms with Python's own): nothing heavy is imported here, and what
only some calls need is imported where it is needed.
"""

from __future__ import annotations

import argparse
import gc
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from crmsh_py import __version__
from crmsh_py.errors import Conflict, CrmError, NotFound, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from crmsh_py.cib.document import Cib
    from crmsh_py.cib.version import Version
    from crmsh_py.clusters.port import Cluster

# Pacemaker's exit codes (crm_exit_t), as far as our tools end with them.
EXIT_OK = 0
EXIT_ERROR = 1
EXIT_USAGE = 64
EXIT_NO_INPUT = 66
EXIT_CONFIG = 78
EXIT_NO_SUCH = 105
EXIT_EXISTS = 108

MOST_SECONDS = 1_000_000_000  # some thirty years

# How often a change is made anew when somebody else changed the same thing meanwhile.
_ATTEMPTS = 5

# Set for an agent that runs on a host for the sake of a guest node.
_ON_NODE = "OCF_RESKEY_CRM_meta_on_node"

Door = Callable[[], "Cluster"]


class ToolUsageError(UsageError):
    """A command line that a Pacemaker tool refuses with its own exit code."""

    exit_code = EXIT_USAGE


class UnreadableError(ToolUsageError):
    """A command line that says nothing, so that it is not known either how to answer it."""


class ExistsError(CrmError):
    """What shall be made is there already."""

    exit_code = EXIT_EXISTS


class _HelpFormatter(argparse.HelpFormatter):
    """Help of a fixed width: to ask for the terminal's would load much, at every start."""

    def __init__(self, prog: str) -> None:
        columns = os.environ.get("COLUMNS", "")
        super().__init__(prog, width=int(columns) - 2 if columns.isdecimal() else 98)


_MINUS_INFINITY = frozenset({"-infinity", "-inf"})


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are ours."""

    def __init__(self, *, prog: str, description: str, add_help: bool = True) -> None:
        super().__init__(
            prog=prog, description=description, add_help=add_help, formatter_class=_HelpFormatter
        )
        if not prog.startswith("corosync"):
            self.add_argument("-$", "--version", action="version", version=f"{prog} {__version__}")
            self.add_argument("--help-all", action="help", help=argparse.SUPPRESS)
            if add_help:
                self.add_argument("-?", action="help", help=argparse.SUPPRESS)

    def error(self, message: str) -> NoReturn:
        """Raise instead of exiting."""
        raise UnreadableError(message, hint=f"{self.prog} --help tells what it takes")


def add_output(group: argparse.ArgumentParser | argparse._ArgumentGroup, *formats: str) -> None:
    """Add ``--output-as``, of these formats (the first is the usual one), and ``--output-to``.

    What is printed goes there once ``parse`` has read the command line, until ``guarded`` ends.
    """
    group.add_argument("--output-as", choices=formats, default=formats[0])
    group.add_argument(
        "--text-fancy", action="store_true", help=argparse.SUPPRESS
    )  # it is, if ever
    group.add_argument(
        "--output-to", default="-", dest="diverted", metavar="FILE", help="- is standard output"
    )


def _divert(path: str) -> None:
    if path != "-":
        try:
            sys.stdout = open(path, "w", encoding="utf-8")  # noqa: SIM115  # ``guarded`` closes it
        except OSError as error:
            raise CrmError(f"{path} cannot be written: {error.strerror}") from error


def open_cluster() -> Cluster:
    """The cluster that the environment chooses."""
    from crmsh_py.clusters.choose import choose

    return choose(os.environ, client=os.path.basename(sys.argv[0]) or "crm")


def guarded(tool: str, body: Callable[[], int], argv: Sequence[str] | None = ()) -> int:
    """Run a tool's body and turn what goes wrong into a message and an exit code.

    ``argv`` is the command line of a tool that answers in XML: who asked for that gets the message
    in it, as with Pacemaker's (None: that of the process).
    """
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # what it cannot show is no mishap
    usual = sys.stdout
    try:
        return _guarded(tool, body, argv)
    finally:
        if sys.stdout is not usual:  # --output-to
            sys.stdout.close()
            sys.stdout = usual


def _guarded(tool: str, body: Callable[[], int], argv: Sequence[str] | None) -> int:
    try:
        code = body()
        sys.stdout.flush()
    except CrmError as error:
        message, code = error.format_message(), _exit_code(error)
        as_xml = _wants_xml(sys.argv if argv is None else argv)
        if as_xml and not isinstance(error, UnreadableError):
            from crmsh_py.views.result_xml import document

            errors = (f"{tool}: {message}",)
            put(document([], request=request(tool, argv), code=code, errors=errors))
        else:
            print(f"{tool}: {message}", file=sys.stderr)
        return code
    except BrokenPipeError:
        # The reader has gone; what it has is all that it wanted. Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except OSError as error:  # a full disk behind the standard output, say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"{tool}: {error.strerror or error}", file=sys.stderr)
        return EXIT_ERROR
    except KeyboardInterrupt:
        return 130
    return code


def _wants_xml(words: Sequence[str]) -> bool:
    text = " ".join(words)
    return "--output-as=xml" in text or "--output-as xml" in text


def _exit_code(error: CrmError) -> int:
    if isinstance(error, NotFound):
        return EXIT_NO_SUCH
    return EXIT_USAGE if isinstance(error, UsageError) else error.exit_code


@contextmanager
def undisturbed(*, last: bool) -> Iterator[None]:
    """Let no garbage be collected meanwhile.

    A plan makes hundreds of thousands of objects that all live until it is shown: looking through
    them for garbage, again and again, takes a tenth of the time and finds none. ``last`` says that
    the process ends after this: then nothing is looked through at the end either.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if last:
            gc.freeze()
        if was_enabled:
            gc.enable()


def local_now() -> datetime:
    """This moment in the zone of this machine."""
    return datetime.now().astimezone()


def commit(
    cluster: Cluster,
    change: Callable[[Cib], Cib],
    *,
    client: str,
    force_no_quorum: bool = False,
    base: Cib | None = None,
) -> Version | None:
    """Read, change and commit the configuration; None when nothing was to be changed.

    ``base`` is what was read just now, if it was. A conflict with somebody else's change is
    answered by doing it again on what is there then.
    """
    from crmsh_py.cib.diff import diff

    for attempt in range(_ATTEMPTS):
        cib = base if base is not None and attempt == 0 else cluster.read_cib()
        patch = diff(cib, change(cib))
        if not patch:
            return None
        try:
            return cluster.commit(patch, client=client, force_no_quorum=force_no_quorum)
        except Conflict:
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("the loop above returns or raises")


def node_name(cluster: Cluster, given: str = "") -> str:
    """The node that is meant: the one given, or the one that we are on.

    An agent that acts for a guest node is told by its environment
    (``OCF_RESKEY_CRM_meta_on_node``).
    """
    if given:
        return given
    name = os.environ.get(_ON_NODE, "") or cluster.node
    if not name:
        raise CrmError("no node is named, and this is none", hint="name one with --node")
    return name


def seconds(text: str, least: int = 0) -> int:
    """A whole number of seconds that any program could wait; raises ToolUsageError."""
    try:
        if least <= (number := int(text)) <= MOST_SECONDS:
            return number
    except ValueError:
        pass
    raise ToolUsageError(
        f"'{text}' is no number of seconds", hint=f"it may be from {least} to {MOST_SECONDS}"
    )


def put(text: str) -> None:
    """Write to stdout, as it is. Raises CrmError: it cannot be written (a full disk, say)."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # the reader has what it wanted
    except OSError as error:
        # What is left would be tried, and complained of, once more at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CrmError(f"standard output cannot be written: {error.strerror}") from None


def put_file(path: str, text: str) -> None:
    """Write a file anew; raises CrmError where that is not possible."""
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise CrmError(f"{path} cannot be written: {error.strerror}") from error


def complain(text: str) -> None:
    """Write a line to stderr."""
    print(text, file=sys.stderr)


def request(tool: str, argv: Sequence[str] | None) -> str:
    """The command line, as an answer in XML repeats it."""
    return " ".join(sys.argv if argv is None else [tool, *argv])


def parse(parser: Parser, argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse a command line; options may stand before and after what they belong to."""
    words: list[str] = []
    for word in sys.argv[1:] if argv is None else argv:
        # -INFINITY is a score, which argparse would take for an option: agents write -v -INFINITY.
        if word.lower() in _MINUS_INFINITY and words and words[-1].startswith("-"):
            words[-1] += f"={word}" if words[-1].startswith("--") else word
        else:
            words.append(word)
    arguments = parser.parse_args(words)
    _divert(getattr(arguments, "diverted", "-"))
    return arguments
