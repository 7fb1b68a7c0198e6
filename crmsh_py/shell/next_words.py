"""What ``?`` shows: everything that may come next, with a line about each. Pure."""

from __future__ import annotations

from crmsh_py.shell.candidates import Offer

_WIDEST = 34  # columns for the words; longer ones stand on a line of their own
_MOST = 60  # rows: what does not fit on a screen or two is looked for by TAB


def next_words(found: Offer, columns: int) -> str:
    """A table of words and their meanings, at most ``columns`` wide."""
    rows = [(candidate.text, candidate.about) for candidate in found.candidates[:_MOST]]
    if not rows:
        rows = [(f"<{label}>", "") for label in found.labels]
    if found.can_end:
        rows.append(("<Enter>", "the line may end here"))
    if not rows:
        return "nothing can come next: what stands before is not understood"
    width = min(_WIDEST, max(len(word) for word, _ in rows))
    lines = []
    for word, about in rows:
        line = f"  {word:<{width}}  {about}".rstrip()
        lines.append(line if len(line) <= columns else line[: columns - 1] + "…")
    if found.total > _MOST:
        lines.append(f"  … and {found.total - _MOST} more: type a letter or two, then TAB")
    return "\n".join(lines)
