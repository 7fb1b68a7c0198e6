"""Run by a test on a tiny filesystem: fill the store until it fails, then start it again.

Prints how many revisions were acknowledged, and how many are there when there is room again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from hashlib import md5

from crmsh_py.engine.api import SaveRevision
from crmsh_py.errors import CrmError
from crmsh_py.node.store import Step, Store


def append(cib: str, patches: Sequence[Step]) -> tuple[str, str]:
    """A document is a text, a patch is a piece at its end."""
    result = cib + "".join(patch for patch, _ in patches)
    return result, md5(result.encode(), usedforsecurity=False).hexdigest()


def main(path: str) -> None:
    """Fill, fail, make room, look."""
    ballast = path + ".ballast"
    with open(ballast, "wb") as file:
        file.write(b"x" * 60_000)
    store = Store(path, append)
    store.open()
    text = ""
    acknowledged = 0
    while True:
        piece = f"({acknowledged})" * 50
        text += piece
        digest = append(text, ())[1]
        first = not acknowledged
        revision = SaveRevision(
            version=(0, acknowledged + 1, 0),
            term=1,
            digest=digest,
            author="",
            client="",
            origin="",
            time=0,
            patch="" if first else piece,
            cib=piece if first else "",
        )
        try:
            store.write([revision])
        except CrmError as error:
            if "full" not in error.message:
                raise
            break
        acknowledged += 1
    store.close()
    os.unlink(ballast)
    store = Store(path, append)
    opened = store.open()
    assert not opened.warning, opened.warning
    print(acknowledged, len(store.revisions(10_000)))
    store.close()


if __name__ == "__main__":
    main(sys.argv[1])
