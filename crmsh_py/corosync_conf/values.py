"""What a corosync.conf means, as typed values; defaults are Corosync 2's."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from crmsh_py.corosync_conf.sections import Section
from crmsh_py.errors import ConfigError, Diagnostic

MAX_NODES = 64  # as many as a ring's messages can name


@dataclass(frozen=True, slots=True, kw_only=True)
class TotemSettings:
    """The membership protocol's settings. Times in ms; see corosync.conf(5) for each."""

    token_ms: int = 1000
    token_retransmits_before_loss_const: int = 4
    token_retransmit_ms: int = 238
    hold_ms: int = 180
    join_ms: int = 50
    consensus_ms: int = 1200
    merge_ms: int = 200
    max_messages: int = 17
    window_size: int = 50
    seqno_unchanged_const: int = 30
    fail_recv_const: int = 2500
    netmtu: int = 1500
    clear_node_high_bit: bool = False
    nodeid: int | None = None
    cluster_name: str = ""
    transport: str = "udp"
    secauth: bool = False
    crypto_cipher: str = "none"
    crypto_hash: str = "none"
    keyfile: str = ""
    key: str = field(default="", repr=False)  # the secret itself
    rrp_mode: str = "none"
    rrp_problem_count_timeout_ms: int = 2000
    rrp_problem_count_threshold: int = 10
    rrp_problem_count_mcast_threshold: int = 100
    rrp_token_expired_timeout_ms: int = 47
    rrp_autorecovery_check_timeout_ms: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceSettings:
    """One ring's network. ``bindnetaddr`` is a network's address, or a host's own."""

    ringnumber: int = 0
    bindnetaddr: str = ""
    mcastaddr: str = "239.192.0.1"
    mcastport: int = 5405
    ttl: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeEntry:
    """One node of the nodelist."""

    name: str
    address: str
    node_id: int
    votes: int = 1
    second_address: str = ""  # on ring 1


@dataclass(frozen=True, slots=True, kw_only=True)
class QuorumSettings:
    """votequorum's settings. ``expected_votes`` 0: not given, the nodelist's votes count."""

    provider: str = ""
    expected_votes: int = 0
    votes: int = 1
    two_node: bool = False
    wait_for_all: bool = False
    last_man_standing: bool = False
    last_man_standing_window_ms: int = 10_000
    auto_tie_breaker: bool = False
    allow_downscale: bool = False
    auto_tie_breaker_node: str = "lowest"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingSettings:
    """How the node's log looks and where it goes."""

    timestamp: str = "on"  # on, off or hires
    fileline: bool = False
    function_name: bool = False
    to_stderr: bool = True
    to_logfile: bool = False
    to_syslog: bool = True
    logfile: str = ""
    syslog_facility: str = "daemon"
    debug: bool = False
    debug_subsystems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfKey:
    """One key as corosync-cmapctl shows it."""

    name: str
    type: str  # str, u8, u16, u32
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CorosyncConf:
    """A checked corosync.conf."""

    origin: str
    root: Section
    totem: TotemSettings
    interfaces: tuple[InterfaceSettings, ...]
    nodes: tuple[NodeEntry, ...]
    quorum: QuorumSettings
    logging: LoggingSettings
    keys: tuple[ConfKey, ...]  # sorted by name
    warnings: tuple[Diagnostic, ...]

    def node_id(self, address: str) -> int:
        """The id of the node with this address; from the nodelist where it stands there."""
        for node in self.nodes:
            if node.address == address:
                return node.node_id
        if not self.nodes and self.totem.nodeid is not None:
            return self.totem.nodeid
        return node_id_for(address, clear_high_bit=self.totem.clear_node_high_bit)

    def votes_of(self, node_id: int) -> int:
        """The votes of a node; one where nothing else is said."""
        for node in self.nodes:
            if node.node_id == node_id:
                return node.votes
        return self.quorum.votes

    @property
    def expected_votes(self) -> int:
        """The votes of the whole cluster: as given, else the nodelist's sum, else one."""
        return self.quorum.expected_votes or sum(node.votes for node in self.nodes) or 1


def node_id_for(address: str, *, clear_high_bit: bool) -> int:
    """The node id that Corosync makes from an IPv4 address; ConfigError for anything else."""
    try:
        number = int(ipaddress.IPv4Address(address))
    except ValueError as error:
        raise ConfigError(
            f"no node id can be made from '{address}': it is not an IPv4 address",
            hint="give the node a nodeid in the nodelist",
        ) from error
    return number & 0x7FFFFFFF if clear_high_bit else number
