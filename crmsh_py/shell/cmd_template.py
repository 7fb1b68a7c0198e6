"""The ``configure template`` level: configurations from templates.

Templates come with the program; what a user begins from them is a file of the user's own, in
``$XDG_CONFIG_HOME/crmsh-py/templates``. Nothing is configured before ``apply``, which puts the text
into the pending configuration as ``load update`` would.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from crmsh_py.errors import ConfigError, CrmError, NotFound, UsageError
from crmsh_py.lang.ast import CommandCall
from crmsh_py.lang.templates import Template, combined
from crmsh_py.resources import templates_directory
from crmsh_py.shell import files
from crmsh_py.shell.session import Session
from crmsh_py.views import templates
from crmsh_py.views.records import Text

_SUFFIX = ".crm"


def new(session: Session, call: CommandCall) -> int:
    """Begin a configuration; named after the first template if no name is given."""
    names = call.all("TEMPLATE_NAME")
    name, wanted = (names[0], names[1:]) if len(names) > 1 else (names[0], names)
    values = dict(pair.partition("=")[::2] for pair in call.all("VALIDATE_PAIR"))
    template = combined([shipped_template(one) for one in wanted]).with_values(values)
    path = _file(session, name)
    if path.exists() and not session.options.force:
        raise ConfigError(
            f"there is a configuration {name} already",
            hint=f"template edit {name}, or template delete {name}",
        )
    _write(path, template)
    session.template = name
    session.console.info(f"{name} was begun; “template apply {name}” puts it into the changes")
    for parameter in template.missing:
        session.console.info(f"still to be filled in: {parameter.name}: {parameter.help}")
    return 0


def list(session: Session, call: CommandCall) -> int:
    """Templates, and what was begun from them; * is what is worked on."""
    what = "configs" if call.has("CONFIGS") else "templates" if call.has("TEMPLATES") else ""
    offered = shipped() if what != "configs" else ()
    mine = begun(session) if what != "templates" else ()
    record = templates.listing(
        {name: shipped_template(name).summary for name in offered}, mine, session.template
    )
    session.show(templates.text(record, titled=what != "configs"), lambda: record)
    return 0


def load(session: Session, call: CommandCall) -> int:
    """Work on this configuration from now on (in this session)."""
    name = call.get("TEMPLATE_NAME") or ""
    if name:
        _begun_file(session, name)
    session.template = name
    return 0


def show(session: Session, call: CommandCall) -> int:
    """The text that would be applied."""
    name = _current(session, call)
    text = _read(session, name).filled()
    session.show(text, lambda: Text(name, tuple(text.splitlines())))
    return 0


def edit(session: Session, call: CommandCall) -> int:
    """Fill it in with $EDITOR; on mistakes edit again, or discard."""
    path = _begun_file(session, _current(session, call))
    if not sys.stdin.isatty():
        raise UsageError("edit not allowed in batch mode", hint="template new … params NAME=VALUE")
    from crmsh_py.shell.editing import Editor

    text = files.read_text(str(path))  # which may be none any more: that can be mended here
    with Editor(session.environ, _SUFFIX) as editor:
        while True:
            text = editor.edit(text)
            try:
                edited = Template.parse(text)
            except CrmError as error:
                if not editor.wants_again(session.console, error):
                    return 1
                continue
            _write(path, edited)
            return 0


def delete(session: Session, call: CommandCall) -> int:
    """Delete a configuration that was begun."""
    name = call.get("TEMPLATE_NAME") or ""
    path = _begun_file(session, name)
    forced = call.has("FORCE") or session.options.force
    if name == session.template and not forced:
        raise CrmError(f"{name} is worked on", hint=f"template delete {name} force")
    try:
        path.unlink()
    except OSError as error:
        raise CrmError(f"{name} cannot be deleted: {error.strerror}") from None
    if session.template == name:
        session.template = ""
    return 0


def apply(session: Session, call: CommandCall) -> int:
    """Put it into the pending configuration."""
    from crmsh_py.shell import commits, loading

    name = _current(session, call)
    working = session.working
    how = "replace" if call.has("REPLACE") else "update"
    text = _read(session, name).filled()
    if how == "replace" and loading.says_nothing(text, as_xml=False):
        raise ConfigError(
            f"{name} has no elements: it would remove everything; nothing was changed",
            hint="if that is what you want: erase",
        )
    changed, typed = loading.load_text(
        working.cib(),
        text,
        how=how,
        origin=f"template {name}",
        catalogue=session.catalogue,
    )
    commits.refuse_wrong(session, changed, typed)
    working.edit(changed, typed.items())
    return 0


# ---- files ---------------------------------------------------------------------------------------


def shipped() -> tuple[str, ...]:
    """The names of the templates that come with the program."""
    return tuple(sorted(path.stem for path in templates_directory().glob(f"*{_SUFFIX}")))


def shipped_template(name: str) -> Template:
    """One of them. Raises NotFound."""
    if name not in shipped():
        raise NotFound(
            f"there is no template {name}",
            name=name,
            possibilities=shipped(),
            hint=None if name else "template list templates",
        )
    return Template.parse((templates_directory() / f"{name}{_SUFFIX}").read_text("utf-8"))


def _directory(session: Session) -> Path:
    configured = session.environ.get("XDG_CONFIG_HOME", "")
    home = session.environ.get("HOME") or os.path.expanduser("~")
    base = Path(configured) if configured.startswith("/") else Path(home, ".config")
    return base / "crmsh-py" / "templates"


def _file(session: Session, name: str) -> Path:
    if name.startswith(".") or len(name) > 64:
        raise ConfigError(f"“{name}” is no name for a configuration")
    return _directory(session) / f"{name}{_SUFFIX}"


def begun(session: Session) -> tuple[str, ...]:
    """What the user has begun from templates."""
    return tuple(sorted(path.stem for path in _directory(session).glob(f"*{_SUFFIX}")))


def _begun_file(session: Session, name: str) -> Path:
    """Where a configuration that was begun is kept. Raises NotFound."""
    path = _file(session, name)
    if not path.is_file():
        raise NotFound(
            f"there is no configuration {name}",
            name=name,
            possibilities=begun(session),
            hint=None if begun(session) else "begin one: template new NAME TEMPLATE",
        )
    return path


def _read(session: Session, name: str) -> Template:
    return Template.parse(files.read_text(str(_begun_file(session, name))))


def _current(session: Session, call: CommandCall) -> str:
    name = call.get("TEMPLATE_NAME") or session.template
    if not name:
        raise UsageError("which configuration?", hint="template list configs")
    return name


def _write(path: Path, template: Template) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CrmError(f"{path.parent} cannot be made: {error.strerror}") from None
    files.write_text(str(path), template.text())
