"""Makes the ``BootSpec`` of a node: its settings, its files, its environment. Pure."""

from __future__ import annotations

import hmac
import os
from pathlib import Path

from crmsh_py.lab import commands, network
from crmsh_py.lab.boot import BootSpec
from crmsh_py.lab.config import LabConfig, NodeConfig
from crmsh_py.lab.isolation import Attempt, Isolation
from crmsh_py.lab.place import (
    NODE_CONF,
    NODE_KEY,
    NODE_LOG,
    NODE_SETTINGS,
    NODE_STORE,
    REMOTE_KEY,
    REMOTE_LOG,
    Place,
)
from crmsh_py.wire import settings as wire_settings
from crmsh_py.wire.settings import NodeSettings, RingSettings

# What a daemon writes to its stdout and stderr: only a failed start does.
NODE_OUTPUT = "/var/log/crm-node.out"
# No lab has a name server; without this the machine's would be asked, and each question would wait
# for an answer that cannot come.
_RESOLV_CONF = "# The nodes are in /etc/hosts.\noptions timeout:1 attempts:1\n"
INDEX_PAGE = "<html>\n<body>My Test Site - {name}</body>\n</html>\n"


def node_spec(
    config: LabConfig, place: Place, node: NodeConfig, *, attempt: Attempt, manager: bool
) -> BootSpec:
    """How to start one node of a lab. Raises OSError when the lab's own files are gone."""
    isolated = attempt.isolation is not Isolation.NONE
    disk = place.disk(node.name)
    settings = _settings(config, place, node, attempt=attempt, manager=manager)
    command = config.daemon or (commands.python(), "-P", "-m", "crmsh_py.node")
    prefix = "" if isolated else disk
    return BootSpec(
        node=node.name,
        disk=disk,
        log=prefix + NODE_OUTPUT,
        argv=(*command, prefix + NODE_SETTINGS),
        environment={
            **environment(config, place, node.name),
            "PYTHONPATH": commands.python_path(),
        },
        isolated=isolated,
        own_pids=isolated and attempt.own_pids,
        keep=(
            *commands.needed_directories(),
            place.commands,
            place.last_commands,
            *([config.ocf_root] if config.ocf_root else []),
        ),
        keep_writable=(place.runtime,),
        commands=tuple(network.configure_node(config, node)),
        files={
            NODE_SETTINGS: wire_settings.dump(settings).decode(),
        },
        first_files={
            # As on real machines: who makes new keys on a node must bring them to the others.
            **(_member_files(place) if node.is_member else {}),
            REMOTE_KEY: remote_key(place),
            "/etc/hosts": hosts_file(config, isolated=isolated),
            "/etc/resolv.conf": _RESOLV_CONF,
            "/etc/hostname": f"{node.name}\n",
            "/var/www/html/index.html": INDEX_PAGE.format(name=node.name),
        },
    )


def _member_files(place: Place) -> dict[str, str]:
    return {
        NODE_CONF: Path(place.conf).read_text(encoding="utf-8"),
        NODE_KEY: Path(place.key).read_text(encoding="ascii"),
    }


def remote_key(place: Place) -> str:
    """The key that members and remote nodes share: made from the lab's, which it does not tell.

    So a remote node cannot speak in the ring.
    """
    secret = Path(place.key).read_bytes()
    return hmac.digest(secret, b"pacemaker authkey", "sha512").hex()


def environment(config: LabConfig, place: Place, node: str) -> dict[str, str]:
    """The variables of every program in a node (``node`` '' is the host)."""
    found = {
        "PATH": commands.search_path(place.commands, place.last_commands),
        "HOME": "/root",
        "USER": "root",
        "LOGNAME": "root",
        "SHELL": "/bin/sh" if not os.path.exists("/bin/bash") else "/bin/bash",
        "LANG": "C.UTF-8",
        "CRM_LAB": config.name,
        "CRM_LAB_INSIDE": "1",  # by which a destroy knows what was started in the lab
        "CRM_STATE_DIR": place.state_base,
        "CRM_RUNTIME_DIR": place.runtime_base,
    }
    if config.ocf_root:
        found["OCF_ROOT"] = config.ocf_root
    if node:
        # Where installed agents look for crm_attribute and its like (ocf-directories).
        found |= {"CRM_NODE": node, "HA_SBIN_DIR": place.commands}
    return found


def marks(place: Place, node: str = "") -> tuple[str, ...]:
    """The variables that tell which programs run in a lab, or in one node of it."""
    common = (f"CRM_LAB={place.lab}", f"CRM_STATE_DIR={place.state_base}", "CRM_LAB_INSIDE=1")
    return (*common, f"CRM_NODE={node}") if node else common


def hosts_file(config: LabConfig, *, isolated: bool) -> str:
    """The content of /etc/hosts: every node by name."""
    lines = ["127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback"]
    lines += [
        f"{node.address if isolated else node.loopback}\t{node.name}" for node in config.nodes
    ]
    return "\n".join(lines) + "\n"


def _settings(
    config: LabConfig, place: Place, node: NodeConfig, *, attempt: Attempt, manager: bool
) -> NodeSettings:
    isolated = attempt.isolation is not Isolation.NONE
    # A plain process has no file system of its own: its paths are those of its disk.
    prefix = "" if isolated else place.disk(node.name)
    return NodeSettings(
        lab=config.name,
        node=node.name,
        address=node.on(0, loopback=not isolated),
        corosync_conf=prefix + NODE_CONF,
        control_socket=place.node_socket(node.name),
        store=prefix + NODE_STORE,
        log=prefix + (NODE_LOG if node.is_member else REMOTE_LOG),
        key=prefix + NODE_KEY,
        peers=_peers(config, 0, isolated),
        more_rings=[
            RingSettings(
                address=node.on(ring, loopback=not isolated), peers=_peers(config, ring, isolated)
            )
            for ring in config.rings[1:]
            if node.is_member
        ],
        remote=not node.is_member,
        remote_key=prefix + REMOTE_KEY,
        hosts={
            each.name: each.on(0, loopback=not isolated)
            for each in config.nodes
            if not each.is_member
        },
        run_directory="/run" if isolated else f"{place.disk(node.name)}/run",
        path=commands.search_path(place.commands, place.last_commands),
        manager=manager,
        multicast=isolated,
        agents=config.agents,
        isolated=isolated,
        watchdog=True,
        one_user=attempt.one_user,
    )


def _peers(config: LabConfig, ring: int, isolated: bool) -> dict[str, str]:
    return {peer.on(ring, loopback=not isolated): peer.name for peer in config.members}
