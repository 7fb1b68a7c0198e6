"""``crm_verify``: whether a configuration is good, and what is wrong with it."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence

from crmsh_py.errors import CrmError
from crmsh_py.scheduler.result import Message
from crmsh_py.tools.common import (
    EXIT_NO_INPUT,
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
    undisturbed,
)
from crmsh_py.tools.crm_mon import LAYOUTS, layout_of
from crmsh_py.views import deprecations, verify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib

TOOL = "crm_verify"


class NoInputError(CrmError):
    """The configuration to be verified cannot be read."""

    exit_code = EXIT_NO_INPUT


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster) -> int:
    """Print what is wrong (on stderr) and end with 78, or be silent and end with 0."""
    with undisturbed(last=argv is None):
        return guarded(TOOL, lambda: run(argv, door), argv)


def run(argv: Sequence[str] | None, door: Door) -> int:
    """What the tool does; raises CrmError kinds."""
    parser = Parser(prog=TOOL, description="Checks a configuration for problems.")
    source = parser.add_argument_group("what to check")
    source.add_argument("-L", "--live-check", action="store_true", dest="live")
    source.add_argument("-x", "--xml-file", metavar="FILE", dest="file")
    source.add_argument("-X", "--xml-text", metavar="XML", dest="text")
    source.add_argument("-p", "--xml-pipe", action="store_true", dest="pipe")
    parser.add_argument("-S", "--save-xml", metavar="FILE", dest="save")
    parser.add_argument("-V", "--verbose", action="count", default=0)
    parser.add_argument("-q", "--quiet", "-Q", action="store_true")
    add_output(parser, "text", "json", "xml")
    parser.add_argument("--layout", choices=LAYOUTS, help="of text: Pacemaker 1.1's or 3's")
    arguments = parse(parser, argv)
    cib = _read(arguments, door)
    if arguments.save:
        try:
            with open(arguments.save, "w", encoding="utf-8") as file:
                file.write(cib.to_xml())
        except OSError as error:
            raise CrmError(f"{arguments.save} cannot be written: {error.strerror}") from error
    # What programs of Pacemaker's read is in its own words.
    modern = layout_of(arguments.layout) == "modern" or arguments.output_as == "xml"
    messages, valid = _examine(cib, modern=modern)
    code = verify.exit_code(messages, valid=valid)
    if arguments.output_as == "xml":
        from crmsh_py.views.result_xml import document

        told = verify.modern(messages, verbose=max(1, arguments.verbose), valid=valid).splitlines()
        if arguments.quiet and told:
            told.pop()  # the verdict, which the status tells
        put(document([], request=request(TOOL, argv), code=code, errors=told))
    elif arguments.output_as == "json":
        from crmsh_py.views import records

        put(records.to_json(verify.record(messages, valid=valid)))
    elif not arguments.quiet:
        draw = verify.modern if modern else verify.classic
        sys.stderr.write(draw(messages, verbose=arguments.verbose, valid=valid))
    return code


def _examine(cib: Cib, *, modern: bool) -> tuple[list[Message], bool]:
    """What the scheduler has to say, and whether the document keeps its schema.

    The modern layout says only that it does not, as Pacemaker 3 does, and knows what is deprecated
    today; the classic one says what breaks the schema.
    """
    from crmsh_py.cib.identity import check_identity
    from crmsh_py.cib.schema import validate
    from crmsh_py.scheduler.attribute_sets import DEPRECATED
    from crmsh_py.scheduler.plan import plan

    findings = [*validate(cib), *check_identity(cib)]
    messages = list(plan(cib, now=local_now()).messages)
    if modern:
        messages += deprecations.find(cib)
    else:
        messages = [message for message in messages if message.where != DEPRECATED]
        messages += [
            Message(level="error", where="schema", text=finding.message) for finding in findings
        ]
    return messages, not findings


def _read(arguments: Namespace, door: Door) -> Cib:
    from crmsh_py.cib.document import Cib

    if arguments.text is not None:
        return Cib.parse(arguments.text)
    if arguments.file is not None:
        try:
            with open(arguments.file, "rb") as file:
                return Cib.parse(file.read())
        except OSError as error:
            raise NoInputError(f"{arguments.file}: {error.strerror}") from error
    if arguments.pipe:
        return Cib.parse(sys.stdin.buffer.read())
    if arguments.live:
        return door().read_cib()
    raise ToolUsageError("No configuration source specified", hint="-L checks the live cluster")
