"""What an agent is for, in one line, without running it: a list of agents is shown while typing.

Agents carry the meta-data that they print in their own text; a short description that is written
there plainly is found by reading. Where it is put together while the agent runs there is none.
"""

from __future__ import annotations

import re
from pathlib import Path

from crmsh_py.regex import regex

MAX_BYTES = 512 * 1024  # an agent that is longer is a compiled program
# The agent's own comes before its parameters, each of which has one too.
_OCF = regex(r"<resource-agent\b.*?(?=<parameters\b|<actions\b|\Z)", re.DOTALL | re.IGNORECASE)
_SHORT = regex(r"<shortdesc\b[^>]*>\s*([^<]*?)\s*</shortdesc>", re.DOTALL)
_ATTRIBUTE = regex(r"<resource-agent\b[^>]*\bshortdesc=\"([^\"]+)\"")
_FENCE = regex(r"docs\[[\"']shortdesc[\"']\]\s*=\s*[\"']([^\"'\n]+)[\"']")
_UNFINISHED = regex(r"[$`{}%]")  # a variable: the sentence is made at run time


def short_description(agent: Path) -> str:
    """The short description that stands in an agent's file; '' if none does or it is not text."""
    try:
        with agent.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError:
        return ""
    if len(data) > MAX_BYTES or b"\0" in data[:1024]:
        return ""
    return find_short_description(data.decode("utf-8", "replace"))


def find_short_description(text: str) -> str:
    """The same for the text of an agent or of a description in XML."""
    found = _FENCE.search(text) or _ATTRIBUTE.search(text)
    head = _OCF.search(text)
    if found is None and head is not None:
        found = _SHORT.search(head.group())
    if found is None or _UNFINISHED.search(found.group(1)):
        return ""
    return " ".join(found.group(1).split())
