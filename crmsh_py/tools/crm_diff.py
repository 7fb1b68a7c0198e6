"""``crm_diff``: what makes one configuration another, and a configuration with that done."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence

from crmsh_py.errors import ConfigError, CrmError, SyntaxProblem
from crmsh_py.tools.common import Parser, ToolUsageError, guarded, parse, put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib

TOOL = "crm_diff"
EXIT_DIFFERENT = 1
EXIT_DATA = 65


def main(argv: Sequence[str] | None = None) -> int:
    """Compare two configurations, or carry a patch out on one."""
    return guarded(TOOL, lambda: _judged(argv))


def _judged(argv: Sequence[str] | None) -> int:
    """Do it; what is no XML of the right kind has its own exit code."""
    try:
        return _run(argv)
    except (ConfigError, SyntaxProblem) as error:
        error.exit_code = EXIT_DATA
        raise


def _run(argv: Sequence[str] | None) -> int:
    parser = Parser(prog=TOOL, description="Compares two configurations, or patches one.")
    first = parser.add_argument_group("the original").add_mutually_exclusive_group(required=True)
    first.add_argument("-o", "--original", metavar="FILE", help="in a file")
    first.add_argument("-O", "--original-string", metavar="XML", help="itself")
    first.add_argument("-s", "--stdin", action="store_true", help="from the standard input")
    second = parser.add_argument_group("what to do").add_mutually_exclusive_group(required=True)
    second.add_argument("-n", "--new", metavar="FILE", help="compare it with a file")
    second.add_argument("-N", "--new-string", metavar="XML", help="compare it with this")
    second.add_argument("-p", "--patch", metavar="FILE", help="carry this patch out on it")
    parser.add_argument("-c", "--cib", action="store_true", help="(taken: both are CIBs anyway)")
    parser.add_argument("-u", "--no-version", action="store_true", help="a patch of any version")
    parser.add_argument("-V", "--verbose", action="count")
    arguments = parse(parser, argv)
    if arguments.cib and arguments.no_version:
        raise ToolUsageError("-u/--no-version incompatible with -c/--cib")
    original = _original(arguments)
    if arguments.patch is not None:
        return _patched(original, arguments.patch)
    return _compared(original, arguments)


def _compared(original: Cib, arguments: Namespace) -> int:
    from crmsh_py.cib.diff import diff
    from crmsh_py.cib.document import Cib
    from crmsh_py.views import patch_text

    text = arguments.new_string if arguments.new is None else _file(arguments.new)
    patch = diff(original, Cib.parse(text))
    told = patch_text.to_pacemakers(patch, versions=not arguments.no_version)
    put(told)
    return EXIT_DIFFERENT if told else 0


def _patched(original: Cib, path: str) -> int:
    from crmsh_py.cib.apply import apply
    from crmsh_py.cib.patch import Patch

    put(apply(original, Patch.from_xml(_file(path))).to_xml())
    return 0


def _original(arguments: Namespace) -> Cib:
    from crmsh_py.cib.document import Cib

    if arguments.stdin:
        return Cib.parse(sys.stdin.buffer.read())
    text = arguments.original_string
    return Cib.parse(_file(arguments.original) if text is None else text)


def _file(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        failure = CrmError(f"{path}: {error.strerror}")
        failure.exit_code = EXIT_DATA
        raise failure from error
