"""The commands that must not load the parser: looking is the most frequent thing that people do.

``status`` and ``configure show`` take words that mean nothing else wherever they stand, so they
are recognised here by their first words. What is not simple (options, quotes, abbreviations) goes
the usual way. A test checks that both ways give the same call.
"""

from __future__ import annotations

from collections.abc import Sequence

from crmsh_py.lang.ast import Argument, CommandCall

_SHOW_FILTERS = ("type:", "tag:", "related:")


def recognise(words: Sequence[str]) -> CommandCall | None:
    """The call that these words of a one-shot make, or None: ask the grammar."""
    match list(words):
        case ["status", *options] if all(map(_is_plain, options)):
            return CommandCall(
                level="root",
                name="status",
                arguments=tuple(Argument("STATUS_OPTION", option) for option in options),
                typed="status",
            )
        case ["configure", "show", *objects] if all(map(_is_plain, objects)):
            return CommandCall(
                level="configure",
                name="show",
                arguments=tuple(map(_show_argument, objects)),
                path=("configure",),
                typed="show",
            )
    return None


def _is_plain(word: str) -> bool:
    return bool(word) and all(c.isalnum() or c in "-_.:*@" for c in word) and "help" not in word


def _show_argument(word: str) -> Argument:
    folded = word.lower()
    if folded in ("xml", "changed", "and", "or"):
        return Argument(folded.upper(), word)
    if word.startswith("obscure:") and word != "obscure:":
        return Argument("OBSCURE", word)
    if word.startswith(_SHOW_FILTERS) and word not in _SHOW_FILTERS:
        return Argument("FILTER", word)
    return Argument("OBJECT", word)
