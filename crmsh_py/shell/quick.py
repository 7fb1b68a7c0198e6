"""The commands that must not load the parser: looking is the most frequent thing that people do.

Commands that look, and the help, take words that mean nothing else wherever they stand, so they are
recognised here by their first words. What is not simple (options, quotes, abbreviations) goes the
usual way. A test checks that both ways give the same call.
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
        case ["help", *topics] if all(map(_is_name, topics)):
            arguments = tuple(Argument("TOPIC", topic) for topic in topics)
            return CommandCall(level="root", name="help", arguments=arguments, typed="help")
        case [level, word, *names] if all(map(_is_name, names)):
            return _looking(level, word, names)
    return None


# Commands by level and word: the rule's name, the kind of their words, and how many (at least, at
# most; None is any number).
_LOOKING: dict[tuple[str, str], tuple[str, str, int, int | None]] = {
    ("resource", "status"): ("status", "RESOURCE", 0, None),
    ("resource", "show"): ("status", "RESOURCE", 0, None),
    ("resource", "list"): ("status", "RESOURCE", 0, None),
    ("resource", "locate"): ("locate", "RESOURCE", 1, None),
    ("resource", "constraints"): ("constraints", "RESOURCE", 1, 1),
    ("resource", "scores"): ("scores", "", 0, 0),
    ("node", "show"): ("show", "NODE_NAME", 0, 1),
    ("node", "list"): ("show", "NODE_NAME", 0, 1),
    ("cluster", "status"): ("status", "", 0, 0),
    ("cluster", "health"): ("health", "", 0, 0),
    ("lab", "status"): ("status", "", 0, 0),
    ("lab", "list"): ("list", "", 0, 0),
}


def _looking(level: str, word: str, names: Sequence[str]) -> CommandCall | None:
    found = _LOOKING.get((level, word))
    if found is None:
        return None
    name, kind, least, most = found
    if len(names) < least or (most is not None and len(names) > most):
        return None
    arguments = tuple(Argument(kind, each) for each in names)
    return CommandCall(level=level, name=name, arguments=arguments, path=(level,), typed=word)


def _is_name(word: str) -> bool:
    """A word that no level takes for anything but a name."""
    return bool(word) and word[0].isalnum() and all(c.isalnum() or c in "-_." for c in word)


def _is_plain(word: str) -> bool:
    simple = bool(word) and all(c.isalnum() or c in "-_.:*@" for c in word)
    return simple and "help" not in word and word != "-h"


def _show_argument(word: str) -> Argument:
    folded = word.lower()
    if folded in ("xml", "changed", "and", "or"):
        return Argument(folded.upper(), word)
    if word.startswith("obscure:") and word != "obscure:":
        return Argument("OBSCURE", word)
    if word.startswith(_SHOW_FILTERS) and word not in _SHOW_FILTERS:
        return Argument("FILTER", word)
    return Argument("OBJECT", word)
