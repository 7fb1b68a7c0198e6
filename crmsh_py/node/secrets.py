"""Parameters that stand in files of the node instead of in the configuration.

``crm resource secret`` writes ``lrm://`` into the configuration and the value into
``…/lrm/secrets/RESOURCE/NAME`` (mode 0600) with its MD5 in ``NAME.sign`` beside it, as Pacemaker's
cibsecret does. The digest guards against a file that was cut off, not against anybody.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping

from crmsh_py.errors import CrmError

IN_FILE = "lrm://"
MAX_BYTES = 64 * 1024


def directory(store: str) -> str:
    """Where a node keeps them, told by where its store is (``…/var/lib/crmsh-py/store.sqlite``)."""
    return f"{os.path.dirname(os.path.dirname(store))}/pacemaker/lrm/secrets"


def filled(parameters: Mapping[str, str], resource: str, folder: str) -> dict[str, str]:
    """The parameters with the values of those that stand in files.

    Raises CrmError: a file is missing, or is not what was written.
    """
    name = resource.partition(":")[0]
    return {
        key: _read(f"{folder}/{name}/{key}", name, key) if value == IN_FILE else value
        for key, value in parameters.items()
    }


def _read(path: str, resource: str, name: str) -> str:
    if "/" in name or "/" in resource or name.startswith(".") or resource.startswith("."):
        raise CrmError(f"{resource}: {name} cannot be the name of a secret")
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES)
        with open(f"{path}.sign", "rb") as file:
            sign = file.read(64).decode(errors="replace").strip()
    except OSError as error:
        raise CrmError(
            f"the secret {name} of {resource} cannot be read: {error.strerror}"
        ) from None
    if hashlib.md5(data, usedforsecurity=False).hexdigest() != sign:
        raise CrmError(f"the secret {name} of {resource} does not fit its digest")
    return data.decode(errors="surrogateescape").rstrip("\n")
