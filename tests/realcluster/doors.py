"""ssh between the nodes of a real cluster: the system's programs, with keys of the test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from realcluster.cluster import OPERATOR, SYSTEM_PATH, RealCluster

USERS = ("root", OPERATOR)


def missing() -> str:
    """Why there is no ssh here; '' if there is."""
    programs = ("ssh", "sshd", "ssh-keygen")
    absent = [p for p in programs if shutil.which(p, path=SYSTEM_PATH) is None]
    return f"needs {', '.join(absent)}" if absent else ""


def open_doors(real: RealCluster) -> Path:
    """Let root and the operator go from every node to every node, each with a key of their own.

    Nodes are known by name, not by address. Returns the directory of the servers' logs.
    """
    keys = real.directory / "keys"
    keys.mkdir()
    for name in ("host", *USERS):
        path = keys / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    host = " ".join((keys / "host.pub").read_text().split()[:2])
    settings = keys / "sshd_config"
    settings.write_text(
        f"HostKey {keys / 'host'}\nUsePAM no\nPasswordAuthentication no\nPidFile none\n"
        "PermitRootLogin prohibit-password\n"
    )
    server = shutil.which("sshd", path=SYSTEM_PATH)
    for node in real.nodes:
        for user in USERS:
            _home(real.disk(node) / user / ".ssh", keys / user, [f"{n} {host}" for n in real.nodes])
        real.run(node, str(server), "-f", str(settings), "-E", str(keys / f"{node}.log"))
    for node in real.nodes:
        log = keys / f"{node}.log"
        real.wait(f"sshd listens on {node}", lambda log=log: "Server listening" in log.read_text())  # type: ignore[misc]
    return keys


def _home(directory: Path, key: Path, known: list[str]) -> None:
    directory.mkdir(mode=0o700)
    shutil.copy(key, directory / "id_ed25519")
    shutil.copy(f"{key}.pub", directory / "authorized_keys")
    (directory / "known_hosts").write_text("".join(f"{line}\n" for line in known))
    owner = directory.parent.stat().st_uid
    for path in (directory, *directory.iterdir()):
        os.chown(path, owner, -1)
        if path.is_file():
            path.chmod(0o600)
