"""Where the data files are: the only module that knows how we were installed.

A wheel carries ``grammar/``, ``ra_metadata/`` and ``templates/`` inside the package
(``crmsh_py/_data``); an editable install and a bare checkout have them beside it.
"""

from __future__ import annotations

from pathlib import Path

from crmsh_py.errors import CrmError

_PACKAGE = Path(__file__).resolve().parent


def _data_directory(name: str) -> Path:
    for base in (_PACKAGE / "_data", _PACKAGE.parent):
        directory = base / name
        if directory.is_dir():
            return directory
    raise CrmError(
        f"this installation lacks its {name}/ directory",
        hint="install again: pip install --force-reinstall crmsh-py",
    )


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
    return _PACKAGE
