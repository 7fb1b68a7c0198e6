"""``crm_error``: what the numbers mean that Pacemaker's programs end with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crmsh_py.tools.common import Parser, add_output, guarded, parse, put, request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.views.error_codes import Code

TOOL = "crm_error"


def main(argv: Sequence[str] | None = None) -> int:
    """Tell what numbers mean, or list all that are known."""
    return guarded(TOOL, lambda: _run(argv), argv)


def _run(argv: Sequence[str] | None) -> int:
    from crmsh_py.views import error_codes as view

    parser = Parser(prog=TOOL, description="Tells what exit codes and returned numbers mean.")
    parser.add_argument("numbers", nargs="*", type=int, metavar="CODE")
    parser.add_argument("-n", "--name", action="store_true", help="with its name in the source")
    parser.add_argument("-l", "--list", action="store_true", help="all (if no CODE is given, too)")
    parser.add_argument("-X", "--exit", action="store_true", help="exit codes of programs")
    parser.add_argument("-r", "--rc", action="store_true", help="what functions return")
    parser.add_argument("-V", "--verbose", action="count")
    add_output(parser, "text", "xml")
    arguments = parse(parser, argv)
    one: Callable[[int], Code] = view.legacy_code
    every: Callable[[], list[Code]] = view.legacy_codes
    if arguments.exit:
        one, every = view.exit_code, view.exit_codes
    elif arguments.rc:
        one, every = view.return_code, view.return_codes
    listed = arguments.list or not arguments.numbers
    codes = every() if listed else [one(number) for number in arguments.numbers]
    if arguments.output_as == "xml":
        from crmsh_py.views.result_xml import document

        parts = view.elements(codes, named=arguments.name)
        put(document(parts, request=request(TOOL, argv)))
    else:
        put((view.table if listed else view.lines)(codes, named=arguments.name))
    return 0
