"""The commands on a node's PATH: ours first, and small ones of our own last.

Each is a script that starts this very Python with this very package, so that it works from a
wheel, an editable install and a bare checkout, and inside a node where nothing else is set. Python
is told to look at nothing but that (``-I -S``): agents call these commands again and again, and
without the machine's site packages and the user's environment they start in two thirds of the time.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

from crmsh_py.lab.place import Place
from crmsh_py.resources import package_directory

# Program: the function behind it in ``start``.
COMMANDS = {
    name: f"crmsh_py.start:{name.replace('-', '_')}"
    for name in (
        *("crm", "crm_mon", "crm_verify", "crm_simulate", "crm_resource"),
        *("crm_attribute", "crm_master", "crm_node", "attrd_updater", "cibadmin", "stonith_admin"),
        *("crm_failcount", "crm_standby", "crm_ticket", "crm_error", "crmadmin"),
        *("crm_diff", "crm_rule", "crm_shadow"),
        *("corosync-cfgtool", "corosync-cmapctl", "corosync-keygen", "corosync-quorumtool"),
    )
}

# For machines without them; a real one comes before them on the PATH.
LAST_COMMANDS = {
    "curl": "crmsh_py.standins.curl:main",
    "ping": "crmsh_py.standins.ping:main",
}

_LONGEST_FIRST_LINE = 127  # that every kernel reads
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def write(place: Place) -> None:
    """Make both directories of a lab anew."""
    home = (place.lab, place.state_base, place.runtime_base)
    for directory, table in ((place.commands, COMMANDS), (place.last_commands, LAST_COMMANDS)):
        os.makedirs(directory, mode=0o700, exist_ok=True)
        for name, function in table.items():
            path = f"{directory}/{name}"
            draft = f"{path}.new"
            Path(draft).write_text(_script(name, function, home), encoding="utf-8")
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


def _script(name: str, function: str, home: tuple[str, str, str]) -> str:
    module, _, called = function.partition(":")
    package, *others = python_path().split(":")
    # Set here and not in the environment: an editor or a pager started later is not our business.
    program = (
        f"import sys\nsys.path.insert(0, {package!r})\nsys.path += {others!r}\n"
        f"sys.argv[0] = {name!r}\nfrom crmsh_py.start import at_home\nat_home{home!r}\n"
        f"from {module} import {called}\nsys.exit({called}())\n"
    )
    first = f"#!{python()} -IS\n"
    if len(first) <= _LONGEST_FIRST_LINE and not re.search(r"\s", python()):
        return first + program
    return f'#!/bin/sh\nexec {shlex.quote(python())} -IS -c {shlex.quote(program)} "$@"\n'
