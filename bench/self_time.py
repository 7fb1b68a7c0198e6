"""Run a command, and print what it has spent itself: ``self_time.py COMMAND…``.

The last line of stderr is its CPU seconds (user and system), and those of the programs that it
called. Both are read while the process is dead and not yet buried.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_FIRST = 11  # utime, counted from the field after the name; then stime, cutime, cstime


def main() -> int:
    """Run it; the exit code is its own."""
    process = subprocess.Popen(sys.argv[1:])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    own, own_system, called, called_system = map(int, fields[_FIRST : _FIRST + 4])
    print(f"{(own + own_system) / _TICKS} {(called + called_system) / _TICKS}", file=sys.stderr)
    return process.wait()


if __name__ == "__main__":
    sys.exit(main())
