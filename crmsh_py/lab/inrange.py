"""Removes a directory in a user namespace with the user's whole range of ids.

python -P -m crmsh_py.lab.inrange DIRECTORY
"""

from __future__ import annotations

import os
import shutil
import sys

from crmsh_py.lab import isolation, linux


def main(directory: str) -> int:
    """Map the range to a child, which removes the directory; 0 when it is gone."""
    uid, gid = os.geteuid(), os.getegid()
    from_child, child_out = os.pipe()
    child_in, to_child = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(from_child)
        os.close(to_child)
        linux.unshare(linux.CLONE_NEWUSER)
        os.write(child_out, b"m")
        if os.read(child_in, 1) == b"+":
            os.setresgid(0, 0, 0)
            os.setresuid(0, 0, 0)
            shutil.rmtree(directory, ignore_errors=True)
        os._exit(0)
    os.close(child_out)
    os.close(child_in)
    if os.read(from_child, 1) == b"m" and not isolation.map_range(child, uid, gid):
        os.write(to_child, b"+")
    os.close(to_child)
    os.waitpid(child, 0)
    return 1 if os.path.lexists(directory) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
