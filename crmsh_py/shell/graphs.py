"""Pictures of a graph, by Graphviz's program ``dot`` where it is installed."""

from __future__ import annotations

import subprocess

from crmsh_py.errors import CrmError, TimedOut

FORMATS = ("svg", "png", "pdf")
TIMEOUT_S = 60.0


def draw(dot: str, form: str, name: str) -> None:
    """Write a picture to a file.

    Raises:
        CrmError: there is no Graphviz, or it cannot draw this, or the file cannot be written.
    """
    try:
        done = subprocess.run(
            ["dot", f"-T{form}"],
            input=dot.encode(),
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError:
        raise CrmError(
            "there is no program “dot” here", hint="install graphviz, or: graph dot FILE"
        ) from None
    except subprocess.TimeoutExpired:
        raise TimedOut(f"dot has not drawn it within {TIMEOUT_S:.0f} s") from None
    except OSError as error:
        raise CrmError(f"dot cannot be run: {error.strerror}") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise CrmError(f"dot: exit code {done.returncode}", hint=said or None)
    try:
        with open(name, "wb") as file:
            file.write(done.stdout)
    except (OSError, ValueError) as error:
        raise CrmError(f"{name} cannot be written: {error}") from None
