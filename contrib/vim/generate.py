"""Make ``syntax/crm.vim`` from the tables of the language.

python contrib/vim/generate.py           write it
python contrib/vim/generate.py --check   exit code 1 if it is out of step
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from crmsh_py.cib import options
from crmsh_py.lang import facts
from crmsh_py.lang.expectation import PARTS, rules
from crmsh_py.lang.parser import automaton

FILE = Path(__file__).with_name("syntax") / "crm.vim"
# What the highlighter of the shell calls the same things.
_LINKS = {
    "crmElement": "Statement",
    "crmPart": "Keyword",
    "crmRule": "Conditional",
    "crmRole": "Constant",
    "crmScore": "Number",
    "crmAgent": "Function",
    "crmAttribute": "Identifier",
    "crmOption": "Type",
    "crmString": "String",
    "crmReference": "Special",
    "crmComment": "Comment",
    "crmContinuation": "SpecialChar",
}
_RULE_WORDS = ("RULE", "AND", "OR", "DATE", "DEFINED", "NOT_DEFINED", "IN", "IN_RANGE", "SPEC",
               "DATE_SPEC")  # fmt: skip
_COMPARISONS = ("lt", "gt", "lte", "gte", "eq", "ne")


def syntax() -> str:
    """The whole file."""
    terminals = automaton().tables.terminals
    elements = sorted(
        terminals[name].text
        for (level, name), rule in rules().items()
        if level == "configure" and _is_element(rule)
    )
    parts = sorted(terminals[name].text for name in PARTS - {"RULE", "TO", "SELECT"})
    rule_words = [*(terminals[name].text for name in _RULE_WORDS), *_COMPARISONS]
    known = {
        *options.names(options.CLUSTER_OPTIONS),
        *options.names(options.CLONE_META),
        *options.GROUP_META,
        *options.OPERATION,
    }
    longest_first = sorted(known, key=lambda name: (-len(name), name))
    lines = [
        '" Vim syntax for configurations in the crm language.',
        '" Made by contrib/vim/generate.py from the tables of the language: do not edit.',
        'if exists("b:current_syntax")',
        "  finish",
        "endif",
        "syntax case ignore",
        "setlocal iskeyword=@,48-57,_,-,.",
        "setlocal commentstring=#\\ %s",
        _keywords("crmPart", parts),
        _keywords("crmRule", rule_words),
        _keywords("crmRole", facts.ROLES),
        # The first word of a line that continues none.
        f"syntax match crmElement /^\\s*\\zs\\%({_any(elements)}\\)\\>/",
        "syntax match crmAttribute /\\<[A-Za-z_][A-Za-z0-9_.-]*\\ze=/",
        # Where two of them fit, Vim takes the later one.
        f"syntax match crmOption /\\<\\%({_any(longest_first)}\\)\\ze=/",
        "syntax match crmScore /\\%([+-]\\?\\%(inf\\%(inity\\)\\?\\|\\d\\+\\)\\|"
        f"{_any(kind.lower() for kind in facts.KINDS)}\\):/",
        "syntax match crmAgent /\\<\\%(ocf:[^: \\t]\\+\\|stonith\\|systemd\\|lsb\\|service\\):"
        "[^: \\t]\\+/",
        "syntax match crmReference /\\$\\%(id\\%(-ref\\)\\?\\|role\\)\\ze=\\|@[A-Za-z0-9_.-]\\+/",
        'syntax region crmString start=/"/ skip=/\\\\"/ end=/"/ oneline',
        "syntax region crmString start=/'/ end=/'/ oneline",
        "syntax match crmContinuation /\\\\$/",
        "syntax match crmComment /^\\s*#.*$/",
        *(f"highlight default link {group} {target}" for group, target in _LINKS.items()),
        'let b:current_syntax = "crm"',
        "",
    ]
    return "\n".join(lines)


def _is_element(rule: str) -> bool:
    name = rule.removeprefix("configure_")
    return any(p.name == name for p in automaton().tables.productions)


def _keywords(group: str, words: Iterable[str]) -> str:
    return f"syntax keyword {group} {' '.join(dict.fromkeys(words))}"


def _any(words: Iterable[str]) -> str:
    return "\\|".join(word.replace("/", "\\/") for word in words)


def main() -> int:
    """Write the file, or look whether it is as it would be written."""
    text = syntax()
    if "--check" in sys.argv[1:]:
        return 0 if FILE.read_text("utf-8") == text else 1
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
