"""Where the data files are: the only module that knows how we were installed.

A wheel carries ``grammar/``, ``ra_metadata/`` and ``templates/`` inside the package
(``crmsh_py/_data``); an editable install and a bare checkout have them beside it.
"""

from __future__ import annotations

import os

from crmsh_py.errors import CrmError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_PACKAGE = os.path.dirname(os.path.realpath(__file__))


def data_path(name: str) -> str:
    """The path of a directory of data; pathlib is left to those who have loaded it anyway."""
    for base in (f"{_PACKAGE}/_data", os.path.dirname(_PACKAGE)):
        directory = f"{base}/{name}"
        if os.path.isdir(directory):
            return directory
    raise CrmError(
        f"this installation lacks its {name}/ directory",
        hint="install again: pip install --force-reinstall crmsh-py",
    )


def _data_directory(name: str) -> Path:
    from pathlib import Path

    return Path(data_path(name))


def grammar_directory() -> Path:
    """The directory of the Lark grammar files."""
    return _data_directory("grammar")


def ra_metadata_directory() -> Path:
    """The directory of the agent catalogue: ``ocf/<provider>/<agent>.xml``, ``stonith/…``."""
    return _data_directory("ra_metadata")


def templates_directory() -> Path:
    """The directory of the templates of ``configure template``: ``NAME.crm``."""
    return _data_directory("templates")


def package_directory() -> Path:
    """The directory of the package itself; its parent goes on the PYTHONPATH of a bare checkout."""
    from pathlib import Path

    return Path(_PACKAGE)
