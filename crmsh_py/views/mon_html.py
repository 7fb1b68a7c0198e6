"""``crm_mon --output-as html``: the state as a page for a browser.

Input: the CIB with its status, the ``ClusterStatus``, and ``now``. Output: a whole HTML document,
without scripts and without anything from elsewhere. It draws the modern layout's lines: sections
become headings, levels become nested lists, and the words for states get a class each.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import datetime

from crmsh_py.scheduler.result import ClusterStatus
from crmsh_py.views import mon_modern
from crmsh_py.views.mon_facts import MonOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib

_STYLE = """\
body { font-family: sans-serif }
.bad { color: #b00 }
.warn { color: #a60 }
.good { color: #070 }
"""
_HEAD = (
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    "<title>{title}</title>\n<style>\n{style}</style>\n{link}</head>\n<body>\n"
)
# The first of these words that a line has decides its class.
_CLASSES = (
    (("FAILED", "UNCLEAN", "OFFLINE", "WITHOUT", "BLOCKED", "returned", "ORPHANED"), "bad"),
    (("Stopped", "standby", "maintenance", "unmanaged", "disabled", "DISABLED"), "warn"),
    (("Started", "Promoted", "Unpromoted", "Online", "online"), "good"),
)


def render(
    cib: Cib,
    status: ClusterStatus,
    *,
    now: datetime,
    options: MonOptions | None = None,
    more: Sequence[Sequence[str]] = (),
    title: str = "Cluster Status",
    stylesheet: str = "",
) -> str:
    """The page; ``more`` are sections of text that follow, ``stylesheet`` is linked to."""
    link = f'<link rel="stylesheet" href="{html.escape(stylesheet)}">\n' if stylesheet else ""
    parts = [_HEAD.format(style=_STYLE, title=html.escape(title, quote=False), link=link)]
    depth = 0
    lines = mon_modern.render(cib, status, now=now, options=options).splitlines()
    for line in [*lines, *(line for section in more for line in section)]:
        text = line.lstrip(" ")
        level = (len(line) - len(text)) // 2 if text.startswith("* ") else 0
        if level:
            parts.append(_lists(depth, level))
            parts.append(_item(text[2:]))
        elif text:
            parts.append(_lists(depth, 0))
            tag = "h2" if text.endswith(":") else "p"
            parts.append(f"<{tag}>{html.escape(text.rstrip(':'))}</{tag}>\n")
        if text:
            depth = level
    parts += [_lists(depth, 0), "</body>\n</html>\n"]
    return "".join(parts)


def _lists(before: int, after: int) -> str:
    """What closes and opens lists between two depths."""
    if after > before:
        return "<ul>\n" * (after - before)
    return "</ul>\n" * (before - after)


def _item(text: str) -> str:
    words = text.replace("(", " ").replace(")", " ").replace(":", " ").replace(",", " ").split()
    kind = next((name for known, name in _CLASSES if any(w in words for w in known)), "")
    mark = f' class="{kind}"' if kind else ""
    return f"<li{mark}>{html.escape(text.replace(chr(9), ' '))}</li>\n"
