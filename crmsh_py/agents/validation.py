"""Ask an installed OCF agent whether it can work with parameters: its action ``validate-all``.

The agent is run on this machine with a private environment, bounded in time and output. Exit codes
are those of the OCF standard.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.errors import CrmError, TimedOut
from crmsh_py.value import frozen

TIMEOUT_S = 20.0
_MAX_SAID = 20_000  # characters
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MEANINGS = {
    0: "fine",
    1: "it failed",
    2: "wrong arguments",
    3: "it has no such action",
    4: "it lacks permissions",
    5: "something that it needs is not installed",
    6: "it is not configured rightly",
}


@frozen
class Validation:
    """What the agent answered: its exit code, and what it printed."""

    code: int
    said: str

    @property
    def meaning(self) -> str:
        """The exit code in words."""
        return _MEANINGS.get(self.code, f"exit code {self.code}")


def validate(
    path: Path,
    spec: AgentSpec,
    parameters: Mapping[str, str],
    *,
    resource: str,
    ocf_root: str = "",
) -> Validation:
    """Run ``validate-all`` of the agent at ``path``.

    Raises:
        CrmError: agents of this class have no such action, or it cannot be run.
        TimedOut: it does not end.
    """
    if spec.standard != "ocf":
        raise CrmError(f"agents of the class {spec.standard} cannot be asked for that")
    environment = {
        "PATH": _PATH,
        "LC_ALL": "C.UTF-8",
        "OCF_ROOT": ocf_root or str(path.parents[2]),
        "OCF_RA_VERSION_MAJOR": "1",
        "OCF_RA_VERSION_MINOR": "1",
        "OCF_RESOURCE_INSTANCE": resource,
        "OCF_RESOURCE_TYPE": spec.type,
        "OCF_RESOURCE_PROVIDER": spec.provider,
        "OCF_CHECK_LEVEL": "10",
        "__OCF_ACTION": "validate-all",
        **{f"OCF_RESKEY_{name}": value for name, value in parameters.items()},
    }
    try:
        done = subprocess.run(
            [str(path), "validate-all"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment,
            cwd="/",
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimedOut(f"{spec} does not answer within {TIMEOUT_S:.0f} s") from None
    except (OSError, ValueError) as error:
        raise CrmError(f"{spec} cannot be run: {error}") from None
    said = (done.stdout + done.stderr).decode(errors="replace").strip()
    return Validation(done.returncode, said[:_MAX_SAID])
