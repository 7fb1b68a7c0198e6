"""``crm_rule``: whether rules that depend on the time are in effect."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence

from crmsh_py.errors import ConfigError, SyntaxProblem
from crmsh_py.tools.common import (
    EXIT_NO_SUCH,
    Door,
    Parser,
    ToolUsageError,
    add_output,
    complain,
    guarded,
    local_now,
    open_cluster,
    parse,
    put,
    request,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

    from crmsh_py.cib.document import Cib

TOOL = "crm_rule"
EXIT_UNIMPLEMENTED = 3
EXIT_DATA = 65
EXIT_EXPIRED = 110
EXIT_NOT_YET = 111
EXIT_UNKNOWN = 112


def main(argv: Sequence[str] | None = None, *, door: Door = open_cluster) -> int:
    """Say of each rule whether it is in effect; the exit code is that of the last."""
    return guarded(TOOL, lambda: _judged(argv, door), argv)


def _judged(argv: Sequence[str] | None, door: Door) -> int:
    """Do it; what is no date or no CIB has its own exit code."""
    try:
        return _run(argv, door)
    except (ConfigError, SyntaxProblem) as error:
        error.exit_code = EXIT_DATA
        raise


def _run(argv: Sequence[str] | None, door: Door) -> int:
    from crmsh_py.cib.element import Element

    parser = Parser(prog=TOOL, description="Says whether rules are in effect.")
    parser.add_argument("-c", "--check", action="store_true", help="check rules (the only mode)")
    parser.add_argument("-r", "--rule", action="append", default=[], metavar="ID")
    parser.add_argument("-d", "--date", help="at this time instead of now (ISO 8601)")
    parser.add_argument("-X", "--xml-text", metavar="XML", help="of this CIB (-: standard input)")
    parser.add_argument("-V", "--verbose", action="count")
    add_output(parser, "text", "xml")
    arguments = parse(parser, argv)
    if not arguments.check:
        raise ToolUsageError("No mode operation given", hint="say --check")
    if not arguments.rule:
        raise ToolUsageError("--check requires use of --rule=")
    now, cib = _moment(arguments), _cib(arguments, door)
    answers = [(name, *_state(cib, name, now)) for name in arguments.rule]
    code = answers[-1][1]
    if arguments.output_as == "xml":
        from crmsh_py.views.result_xml import document

        parts = [
            Element("rule-check", {"rule-id": name, "rc": str(each)}) for name, each, _ in answers
        ]
        errors = [text for _, each, text in answers if each not in (0, EXIT_EXPIRED, EXIT_NOT_YET)]
        put(document(parts, request=request(TOOL, argv), code=code, errors=errors))
        return code
    for _, each, text in answers:
        if each in (0, EXIT_EXPIRED, EXIT_NOT_YET):
            put(f"{text}\n")
        else:
            complain(text)
    return code


def _moment(arguments: Namespace) -> datetime:
    if arguments.date is None:
        return local_now()
    from crmsh_py.cib.dates import parse_datetime

    return parse_datetime(arguments.date, local_now().tzinfo)


def _cib(arguments: Namespace, door: Door) -> Cib:
    if arguments.xml_text is None:
        return door().read_cib()
    from crmsh_py.cib.document import Cib

    piped = arguments.xml_text == "-"
    return Cib.parse(sys.stdin.buffer.read() if piped else arguments.xml_text)


def _state(cib: Cib, name: str, now: datetime) -> tuple[int, str]:
    """The exit code that stands for the state of a rule, and the words for it."""
    from crmsh_py.cib.rules import RuleContext, Verdict, evaluate

    doubt = f"Could not determine whether rule {name} is in effect: "
    rule = cib.find_id(name)
    if rule is None or rule.tag != "rule":
        return EXIT_NO_SUCH, f"{doubt}Rule not found"
    if not any(True for _ in rule.iter("date_expression")):
        return EXIT_UNIMPLEMENTED, f"{doubt}Rule does not have a date expression"
    outcome = evaluate(rule, RuleContext(now=now), find_id=cib.find_id)
    if outcome.passes:
        return 0, f"Rule {name} is still in effect"
    if outcome.verdict is Verdict.UNKNOWN:
        return EXIT_UNKNOWN, f"{doubt}it asks for more than the time"
    if outcome.next_change is not None:
        return EXIT_NOT_YET, f"Rule {name} has not yet taken effect"
    return EXIT_EXPIRED, f"Rule {name} is expired"
