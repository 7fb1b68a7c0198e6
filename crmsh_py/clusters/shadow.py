"""Shadows: copies of the configuration under a name, to try changes on.

They are files of the user's own: in ``CIB_shadow_dir``, else in the state directory beside the
labs. A shadow is a ``FileCluster`` with the name as its label.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from crmsh_py.cib.document import Cib
from crmsh_py.clusters.file import FileCluster, save
from crmsh_py.errors import ConfigError, CrmError, NotFound
from crmsh_py.regex import regex
from crmsh_py.wire import paths

_PREFIX = "shadow."
_NAME = regex(r"[A-Za-z0-9_@][A-Za-z0-9_.@-]{0,63}")


class Shadows:
    """The shadows of one user."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    @classmethod
    def of_environment(cls, environ: Mapping[str, str], uid: int) -> Shadows:
        """Those that this environment means."""
        directory = environ.get("CIB_shadow_dir", "")
        return cls(directory or f"{os.path.dirname(paths.state_base(environ, uid))}/shadows")

    def names(self) -> list[str]:
        """All of them, sorted."""
        try:
            entries = os.listdir(self._directory)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise CrmError(f"cannot read {self._directory}: {error.strerror}") from None
        names = (e.removeprefix(_PREFIX) for e in entries if e.startswith(_PREFIX))
        return sorted(name for name in names if _NAME.fullmatch(name))

    def open(self, name: str) -> FileCluster:
        """A shadow as a cluster; raises NotFound when there is none of that name."""
        path = self.path(name)
        if not os.path.exists(path):
            raise NotFound(
                f"there is no shadow '{name}'",
                name=name,
                possibilities=self.names(),
                hint=None if self.names() else f"make it: crm cib new {name}",
            )
        return FileCluster(path, label=name)

    def create(self, name: str, cib: Cib, *, force: bool = False) -> FileCluster:
        """Make a shadow that holds ``cib``; an existing one is replaced with ``force`` only."""
        path = self.path(name)
        if os.path.exists(path) and not force:
            raise ConfigError(f"the shadow '{name}' exists", hint="say force to replace it")
        try:
            os.makedirs(self._directory, mode=0o700, exist_ok=True)
            save(path, cib)
        except OSError as error:
            raise CrmError(f"cannot write {path}: {error.strerror}") from None
        return FileCluster(path, label=name)

    def delete(self, name: str) -> None:
        """Delete a shadow."""
        path = self.open(name).path
        try:
            os.unlink(path)
        except OSError as error:
            raise CrmError(f"cannot delete {path}: {error.strerror}") from None

    def path(self, name: str) -> str:
        """Where the shadow of that name is, or would be. Raises ConfigError for no name."""
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"'{paths.shorten(name)}' is no name for a shadow",
                hint="use up to 64 letters, digits, '_', '.', '@' and '-'",
            )
        return f"{self._directory}/{_PREFIX}{name}"
