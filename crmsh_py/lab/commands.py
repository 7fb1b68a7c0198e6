"""The commands on a node's PATH: ours first, and small ones of our own last.

Each is a two-line shell script that starts this very Python with this very package, so that it
works from a wheel, an editable install and a bare checkout, and inside a node where nothing else
is set.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from crmsh_py.resources import package_directory

# Program: the module and function behind it; the same table as [project.scripts].
COMMANDS = {
    "crm": "crmsh_py.shell.main:main",
    "crm_mon": "crmsh_py.tools.crm_mon:main",
    "crm_verify": "crmsh_py.tools.crm_verify:main",
    "crm_simulate": "crmsh_py.tools.crm_simulate:main",
    "crm_resource": "crmsh_py.tools.crm_resource:main",
    "crm_attribute": "crmsh_py.tools.crm_attribute:main",
    "crm_master": "crmsh_py.tools.crm_master:main",
    "crm_node": "crmsh_py.tools.crm_node:main",
    "attrd_updater": "crmsh_py.tools.attrd_updater:main",
    "cibadmin": "crmsh_py.tools.cibadmin:main",
    "stonith_admin": "crmsh_py.tools.stonith_admin:main",
    "corosync-cfgtool": "crmsh_py.tools.corosync_cfgtool:main",
    "corosync-cmapctl": "crmsh_py.tools.corosync_cmapctl:main",
    "corosync-keygen": "crmsh_py.tools.corosync_keygen:main",
    "corosync-quorumtool": "crmsh_py.tools.corosync_quorumtool:main",
}

# For machines without them; a real one comes before them on the PATH.
LAST_COMMANDS = {
    "curl": "crmsh_py.standins.curl:main",
    "ping": "crmsh_py.standins.ping:main",
}

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def write(directory: str, last_directory: str) -> None:
    """Make both directories anew."""
    for place, table in ((directory, COMMANDS), (last_directory, LAST_COMMANDS)):
        os.makedirs(place, mode=0o700, exist_ok=True)
        for name, function in table.items():
            path = f"{place}/{name}"
            draft = f"{path}.new"
            Path(draft).write_text(_script(name, function), encoding="utf-8")
            os.chmod(draft, 0o755)  # noqa: S103 - commands
            os.replace(draft, path)


def search_path(directory: str, last_directory: str) -> str:
    """PATH inside a node."""
    return f"{directory}:{SYSTEM_PATH}:{last_directory}"


def with_system_path(path: str) -> str:
    """PATH with the directories of ``ip`` and its like, which users often have not."""
    parts = [*path.split(":"), *SYSTEM_PATH.split(":")]
    return ":".join(dict.fromkeys(part for part in parts if part))


def python() -> str:
    """The Python to start other programs of ours with: this one, where its path can be reached.

    It cannot when root's private Python was started for another user; then the machine's own of
    the same version does.
    """
    if os.access(sys.executable, os.X_OK):
        return sys.executable
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return shutil.which(f"python{version}", path=SYSTEM_PATH) or sys.executable


def python_path() -> str:
    """Where the package and what it needs are imported from, for a Python started elsewhere.

    The editable install's and the virtual environment's own ways of saying it do not work for a
    Python that is started with another working directory, user or file system.
    """
    parts = [str(package_directory().parent)]
    parts += [
        entry
        for entry in sys.path
        if os.path.basename(entry) in ("site-packages", "dist-packages") and os.path.isdir(entry)
    ]
    return ":".join(dict.fromkeys(parts))


def needed_directories() -> list[str]:
    """Directories that must be visible inside a node for Python and the package to run there."""
    found = [
        sys.prefix,
        sys.base_prefix,
        os.path.dirname(python()),
        os.path.dirname(os.path.realpath(python())),
        *python_path().split(":"),
    ]
    # What is below /usr or is all of / is there anyway.
    return [
        path
        for path in dict.fromkeys(found)
        if path and path != "/" and not f"{path}/".startswith(("/usr/", "/bin/", "/lib/"))
    ]


def _script(name: str, function: str) -> str:
    module, _, called = function.partition(":")
    package, *others = python_path().split(":")
    # Set here and not in the environment: an editor or a pager started later is not our business.
    program = (
        f"import sys; sys.path.insert(0, {package!r}); sys.path += {others!r}; "
        f"sys.argv[0] = {name!r}; from {module} import {called}; sys.exit({called}())"
    )
    return f'#!/bin/sh\nexec {shlex.quote(python())} -P -c {shlex.quote(program)} "$@"\n'
