"""What a user prefers: one table of settings, and the file that they are kept in.

The file is crmsh's own, ``$CRM_CONFIG_FILE`` or ``~/.config/crm/crm.conf``: sections in brackets,
``name = value`` below. Settings that are not in our table are left alone, so that both shells can
share it, and so is every line that is no setting: a comment, or anything else. What cannot be read
or is no value counts as not set: a preference never stops a shell.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from crmsh_py.errors import ConfigError, NotFound
from crmsh_py.regex import regex
from crmsh_py.value import frozen

MAX_BYTES = 1024 * 1024
_YES = ("yes", "true", "on", "1")


@frozen
class Preference:
    """One setting: ``section.name``, its default, what it may be ('' for any text)."""

    name: str
    default: str
    help: str
    values: tuple[str, ...] = ()


_SWITCH = ("yes", "no")
TABLE: Mapping[str, Preference] = {
    preference.name: preference
    for preference in (
        Preference("core.editor", "", "the editor of “edit” ($VISUAL, $EDITOR or vi)"),
        Preference("core.pager", "",
                   "shows what is longer than the screen ($PAGER, less); “cat” for none"),
        Preference("core.wait", "no",
                   "wait after changes until the cluster has carried them out", _SWITCH),
        Preference("core.check_frequency", "always",
                   "check elements when they are typed too, or at verify and commit only",
                   ("always", "on-verify", "never")),
        Preference("core.check_mode", "strict",
                   "what is wrong is refused (strict), or only told (relaxed)",
                   ("strict", "relaxed")),
        Preference("core.manage_children", "ask",
                   "members that set a meta attribute themselves, when their group gets one: "
                   "whether theirs is taken away", ("ask", "never", "always")),
        Preference("core.sort_elements", "yes",
                   "for crmsh's files: the configuration is always shown sorted", _SWITCH),
        Preference("core.skill_level", "expert",
                   "for crmsh's files: every command is for everybody here",
                   ("operator", "administrator", "expert")),
        Preference("core.add_quotes", "yes",
                   "for crmsh's files: one-shots always keep their words apart", _SWITCH),
        Preference("core.user", "", "for crmsh's files: commands run as whoever types them"),
        Preference("status.layout", "classic",
                   "the status as Pacemaker 1.1 (classic) or 3 (modern) draws it",
                   ("classic", "modern")),
        Preference("color.style", "color", "colours of what is printed",
                   ("plain", "color", "color-always", "uppercase")),
        Preference("repl.keys", "emacs", "the keys of the command line", ("emacs", "vi")),
        Preference("repl.confirm", "stops", "when commit shows its plan and asks",
                   ("stops", "always", "never")),
        Preference("repl.complete", "tab", "when candidates are shown", ("tab", "typing")),
        Preference("repl.suggest", "yes", "suggest lines of the history while typing", _SWITCH),
        Preference("repl.toolbar", "yes", "the lines below the prompt", _SWITCH),
        Preference("repl.plain", "no", "a prompt without colours, menus and moving lines, for"
                   " screen readers and simple terminals", _SWITCH),
    )
}  # fmt: skip


# crmsh's short forms, and what it calls things elsewhere.
_SHORT = {"output": "color.style", "colorscheme": "color.style", "confirm": "repl.confirm",
          "keys": "repl.keys", "layout": "status.layout"}  # fmt: skip


def find(name: str) -> Preference:
    """A preference by its name; ``core.`` may be left out. Raises NotFound."""
    word = name.replace("-", "_").lower()
    for candidate in (word, _SHORT.get(word, ""), f"core.{word}"):
        if candidate in TABLE:
            return TABLE[candidate]
    known = [*TABLE, *(one.removeprefix("core.") for one in TABLE)]
    raise NotFound(f"there is no option {name}", name=word, possibilities=known)


def file_of(environ: Mapping[str, str]) -> str:
    """Where the preferences of a user are kept."""
    if named := environ.get("CRM_CONFIG_FILE"):
        return named
    base = environ.get("XDG_CONFIG_HOME", "")
    if not base.startswith("/"):
        base = f"{environ.get('HOME') or os.path.expanduser('~')}/.config"
    return os.path.join(base, "crm", "crm.conf")


class Preferences:
    """The settings of one user; ``changed`` ones are not saved yet."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = dict(values or {})
        self.changed = False

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Preferences:
        """What is in the user's file."""
        found: dict[str, str] = {}
        try:
            lines = _read(file_of(environ))
        except OSError:
            return cls()
        for name, line in _settings(lines):
            given = _ASSIGNS.split(lines[line], maxsplit=1)[1].strip()
            if name in TABLE:
                found.pop(name, None)  # the last one counts, as configparser has it
                if _fits(TABLE[name], given):
                    found[name] = given
        return cls(found)

    def get(self, name: str) -> str:
        """A setting, or its default."""
        return self._values.get(name, TABLE[name].default)

    def is_on(self, name: str) -> bool:
        """Whether a setting of yes or no is yes."""
        return self.get(name).lower() in _YES

    def set(self, name: str, value: str) -> None:
        """Change a setting for this run. Raises NotFound and ConfigError."""
        preference = find(name)
        if not _fits(preference, value):
            raise ConfigError(f"{name}: {value} is none of {', '.join(preference.values)}")
        self._values[preference.name] = value
        self.changed = True

    def is_set(self, name: str) -> bool:
        """Whether the user has said something about it."""
        return name in self._values

    def reset(self, environ: Mapping[str, str]) -> str:
        """Back to the defaults; what others have in the file stays."""
        self._values.clear()
        return self._write(environ, dict.fromkeys(TABLE))

    def save(self, environ: Mapping[str, str]) -> str:
        """Write the settings to the user's file, beside what else is in it. Raises ConfigError."""
        return self._write(environ, self._values)

    def _write(self, environ: Mapping[str, str], values: Mapping[str, str | None]) -> str:
        path = file_of(environ)
        target = os.path.realpath(path)  # a link stays one
        temporary = f"{target}.{os.getpid()}"
        try:
            os.makedirs(os.path.dirname(target) or ".", mode=0o700, exist_ok=True)
            lines = _read(target)
            if sum(map(len, lines)) >= MAX_BYTES:
                raise ConfigError(f"{path} is larger than {MAX_BYTES} bytes; nothing was saved")
            for name, value in values.items():
                lines = _with(lines, name, value)
            with open(temporary, "w", encoding="utf-8", errors=_ANY, newline="") as file:
                if os.path.exists(target):
                    os.fchmod(file.fileno(), os.stat(target).st_mode & 0o777)
                file.writelines(lines)
            os.replace(temporary, target)
        except OSError as error:
            with suppress(OSError):
                os.unlink(temporary)
            raise ConfigError(f"{path}: {error.strerror}; nothing was saved") from None
        self.changed = False
        return path


def _fits(preference: Preference, text: str) -> bool:
    text = text.strip()
    if preference.values == _SWITCH:
        return text.lower() in (*_YES, "no", "false", "off", "0")
    return not preference.values or text in preference.values


# ---- the file, line by line ----------------------------------------------------------------------

_ANY = "surrogateescape"  # bytes that are no text stay what they are
_ASSIGNS = regex("[=:]")


def _read(path: str) -> list[str]:
    """The lines with their ends; none where there is no file. Raises OSError."""
    try:
        with open(path, encoding="utf-8", errors=_ANY, newline="") as file:
            return file.read(MAX_BYTES).splitlines(keepends=True)
    except FileNotFoundError:
        return []


def _section(line: str) -> str | None:
    """The section that begins with this line."""
    text = line.strip()
    return text[1:-1].strip() if text.startswith("[") and text.endswith("]") else None


def _settings(lines: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Each setting (``section.name``) and its line. Indented lines go on with another one."""
    section = ""
    for number, line in enumerate(lines):
        if (begun := _section(line)) is not None:
            section = begun
        elif section and line[:1].isalnum() and _ASSIGNS.search(line):
            yield f"{section}.{_ASSIGNS.split(line, maxsplit=1)[0].strip().lower()}", number


def _with(lines: list[str], name: str, value: str | None) -> list[str]:
    """The lines with one setting changed where it stands, or put at the end of its section; with
    None it is taken away.
    """
    section, _, option = name.partition(".")
    places = [number for found, number in _settings(lines) if found == name]
    kept, given = list(lines), f"{option} = {value}\n"
    for number in reversed(places):
        end = number + 1
        while end < len(kept) and kept[end][:1] in (" ", "\t") and kept[end].strip():
            end += 1  # its value goes on there
        kept[number:end] = [given] if value is not None and number == places[-1] else []
    if value is None or places:
        return kept
    if kept and not kept[-1].endswith("\n"):
        kept[-1] += "\n"
    headings = [number for number, line in enumerate(kept) if _section(line) == section]
    if not headings:
        return [*kept, f"[{section}]\n", given]
    place = headings[-1] + 1
    while place < len(kept) and kept[place].strip() and _section(kept[place]) is None:
        place += 1
    kept.insert(place, given)
    return kept
