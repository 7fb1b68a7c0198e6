"""From sections to values: what a checked corosync.conf means, defaults and derived values too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crmsh_py.corosync_conf import networks
from crmsh_py.corosync_conf.reader import Reader
from crmsh_py.corosync_conf.sections import Section, lines_of, parse_sections
from crmsh_py.corosync_conf.values import (
    CorosyncConf,
    LoggingSettings,
    QuorumSettings,
    TotemSettings,
)
from crmsh_py.errors import ConfigError
from crmsh_py.whole_numbers import is_number

_MIN_KEY, _MAX_KEY = 16, 4096  # bytes of a shared key
_MINIMUM_MS = 30  # Corosync's least timeout: three ticks of a 100 Hz clock
_MINIMUM_HOLD_MS = 14  # what follows from the least token_retransmit
_FACILITIES = (
    *("daemon", "auth", "authpriv", "cron", "ftp", "kern", "lpr", "mail", "news", "syslog"),
    *("user", "uucp", *(f"local{number}" for number in range(8))),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Crypto:
    """The words of the totem section that protect datagrams."""

    secauth: bool
    cipher: str
    hash: str
    keyfile: str
    key: str


def _crypto(reader: Reader, own: Sequence[Section]) -> _Crypto:
    """What protects datagrams; what cannot be given as asked is refused, never weakened."""
    secauth = reader.flag(own, "secauth", default=False)
    ciphers = ("none", "aes256", "aes192", "aes128", "3des")
    hashes = ("none", "md5", "sha1", "sha256", "sha384", "sha512")
    cipher = reader.word(own, "crypto_cipher", "aes256" if secauth else "none", ciphers)
    digest = reader.word(own, "crypto_hash", "sha256" if secauth else "none", hashes)
    cipher_entry = reader.entry(own, "crypto_cipher") or reader.entry(own, "secauth")
    hash_entry = reader.entry(own, "crypto_hash")
    if cipher == "3des":
        assert cipher_entry is not None, "3des is no default"
        what = "3des is not offered: its blocks are too small for a cluster's traffic"
        reader.error(what, cipher_entry, "crypto_cipher: aes256")
    if cipher != "none" and digest == "none":
        mark = hash_entry or cipher_entry
        assert mark is not None, "one of the two was written"
        reader.error("crypto_cipher needs a crypto_hash other than none", mark, "sha256")
    if digest in ("md5", "sha1"):
        assert hash_entry is not None, "neither is a default"
        reader.warn(f"crypto_hash: {digest} is weak, sha256 is used in its place", hash_entry)
    keyfile = reader.word(own, "keyfile", "")
    keyfile_entry = reader.entry(own, "keyfile")
    if keyfile_entry is not None and not keyfile.startswith("/"):
        reader.error("keyfile must be a whole path, from /", keyfile_entry)
    key = reader.word(own, "key", "")
    key_entry = reader.entry(own, "key")
    if key_entry is not None and not _MIN_KEY <= len(key.encode()) <= _MAX_KEY:
        reader.error(f"the key must have {_MIN_KEY} to {_MAX_KEY} bytes", key_entry, secret=True)
    return _Crypto(secauth=secauth, cipher=cipher, hash=digest, keyfile=keyfile, key=key)


def _totem(reader: Reader, root: Section, *, node_count: int) -> TotemSettings:
    """The protocol's settings, the derived ones as Corosync's totemconfig derives them."""
    own = root.named("totem")
    version = reader.entry(own, "version")
    if version is not None and version.value != "2":
        reader.error("totem.version must be 2", version)
    token = reader.integer(own, "token", 1000, _MINIMUM_MS)
    if node_count > 2:  # corosync.conf(5), token_coefficient
        token += (node_count - 2) * reader.integer(own, "token_coefficient", 650)
    losses = reader.integer(own, "token_retransmits_before_loss_const", 4, 1)
    retransmit = reader.integer(own, "token_retransmit", int(token / (losses + 0.2)), _MINIMUM_MS)
    if retransmit < _MINIMUM_MS:
        at = reader.entry(own, "token_retransmits_before_loss_const") or reader.entry(own, "token")
        assert at is not None, "the defaults leave more"
        least = f"{_MINIMUM_MS} * (token_retransmits_before_loss_const + 0.2)"
        reader.warn(f"Corosync takes a token of {least} and more", at)
    hold = reader.integer(own, "hold", max(1, int(retransmit * 0.8) - 10), _MINIMUM_HOLD_MS)
    join = reader.integer(own, "join", 50, 1)
    join_entry = reader.entry(own, "join")
    if join < _MINIMUM_MS and join_entry is not None:
        reader.warn(f"Corosync takes a join of {_MINIMUM_MS} and more", join_entry)
    nodeid = reader.entry(own, "nodeid")
    if nodeid is not None and nodeid.value == "0":
        reader.error("nodeid 0 means nobody", nodeid)
    crypto = _crypto(reader, own)
    transport = reader.word(own, "transport", "udp", ("udp", "udpu", "knet"))
    return TotemSettings(
        token_ms=token,
        token_retransmits_before_loss_const=losses,
        token_retransmit_ms=retransmit,
        hold_ms=hold,
        join_ms=join,
        consensus_ms=reader.integer(own, "consensus", int(token * 1.2), _MINIMUM_MS),
        merge_ms=reader.integer(own, "merge", 200, _MINIMUM_MS),
        max_messages=reader.integer(own, "max_messages", 17, 1),
        window_size=reader.integer(own, "window_size", 50, 1),
        seqno_unchanged_const=reader.integer(own, "seqno_unchanged_const", 30, 1),
        fail_recv_const=reader.integer(own, "fail_recv_const", 2500, 1),
        netmtu=reader.integer(own, "netmtu", 1500, 576, 65_535),
        clear_node_high_bit=reader.flag(own, "clear_node_high_bit", default=False),
        nodeid=reader.integer(own, "nodeid", 0) or None,
        cluster_name=reader.word(own, "cluster_name", ""),
        transport=transport,
        secauth=crypto.secauth,
        crypto_cipher=crypto.cipher,
        crypto_hash=crypto.hash,
        keyfile=crypto.keyfile,
        key=crypto.key,
        rrp_mode=networks.rrp_mode(reader, own, transport),
        rrp_problem_count_timeout_ms=reader.integer(
            own, "rrp_problem_count_timeout", 2000, _MINIMUM_MS
        ),
        rrp_problem_count_threshold=reader.integer(own, "rrp_problem_count_threshold", 10, 2),
        rrp_problem_count_mcast_threshold=reader.integer(
            own, "rrp_problem_count_mcast_threshold", 100, 2
        ),
        rrp_token_expired_timeout_ms=reader.integer(
            own, "rrp_token_expired_timeout", max(_MINIMUM_MS, int(retransmit * 0.2)), _MINIMUM_MS
        ),
        rrp_autorecovery_check_timeout_ms=reader.integer(
            own, "rrp_autorecovery_check_timeout", 1000, _MINIMUM_MS
        ),
    )


def _quorum(reader: Reader, root: Section) -> QuorumSettings:
    """votequorum's settings; two_node turns wait_for_all on unless it is set itself."""
    own = root.named("quorum")
    two_node = reader.flag(own, "two_node", default=False)
    tie_breaker = reader.word(own, "auto_tie_breaker_node", "lowest")
    if tie_breaker not in ("lowest", "highest") and not all(
        is_number(word) for word in tie_breaker.split()
    ):
        entry = reader.entry(own, "auto_tie_breaker_node")
        assert entry is not None, "the default is lowest"
        reader.error("auto_tie_breaker_node must be lowest, highest or a list of ids", entry)
        tie_breaker = "lowest"
    return QuorumSettings(
        provider=reader.word(own, "provider", "", ("corosync_votequorum",)),
        expected_votes=reader.integer(own, "expected_votes", 0, 1),
        votes=reader.integer(own, "votes", 1),
        two_node=two_node,
        wait_for_all=reader.flag(own, "wait_for_all", default=two_node),
        last_man_standing=reader.flag(own, "last_man_standing", default=False),
        last_man_standing_window_ms=reader.integer(
            own, "last_man_standing_window", 10_000, _MINIMUM_MS
        ),
        auto_tie_breaker=reader.flag(own, "auto_tie_breaker", default=False),
        auto_tie_breaker_node=tie_breaker,
        allow_downscale=reader.flag(own, "allow_downscale", default=False),
    )


def _debug(reader: Reader, sections: Sequence[Section]) -> bool:
    """yes, no, or trace, which is even more in Corosync and the same here."""
    entry = reader.entry(sections, "debug")
    if entry is not None and entry.value == "trace":
        return True
    return reader.flag(sections, "debug", default=False)


def _logging(reader: Reader, root: Section) -> LoggingSettings:
    """How and where to log; the subsystems that have debug of their own."""
    own = root.named("logging")
    debug = [
        name.value
        for section in own
        for inner in section.named("logger_subsys")
        if (name := inner.get("subsys")) and _debug(reader, (inner,))
    ]
    return LoggingSettings(
        timestamp=reader.word(own, "timestamp", "on", ("on", "off", "hires")),
        fileline=reader.flag(own, "fileline", default=False),
        function_name=reader.flag(own, "function_name", default=False),
        to_stderr=reader.flag(own, "to_stderr", default=True),
        to_logfile=reader.flag(own, "to_logfile", default=False),
        to_syslog=reader.flag(own, "to_syslog", default=True),
        logfile=reader.word(own, "logfile", ""),
        syslog_facility=reader.word(own, "syslog_facility", "daemon", _FACILITIES),
        debug=_debug(reader, own),
        debug_subsystems=tuple(debug),
    )


def _check(reader: Reader, conf: CorosyncConf) -> None:
    """What must hold between keys."""
    totem = conf.root.named("totem")
    consensus = reader.entry(totem, "consensus")
    if conf.totem.consensus_ms < conf.totem.join_ms and consensus is not None:
        reader.error("consensus must not be less than join", consensus)
    elif conf.totem.consensus_ms < 1.2 * conf.totem.token_ms and consensus is not None:
        least = int(conf.totem.token_ms * 1.2)
        reader.warn(f"consensus should be at least 1.2 * token, {least} here", consensus)
    two_node = reader.entry(conf.root.named("quorum"), "two_node")
    if two_node is not None and conf.quorum.two_node and conf.expected_votes != 2:
        reader.error(f"two_node needs expected_votes 2, not {conf.expected_votes}", two_node)


def parse(text: str, origin: str = "corosync.conf") -> CorosyncConf:
    """Read a whole file. Raises SyntaxProblem or ConfigError, each with the line."""
    root = parse_sections(text, origin)
    reader = Reader(lines_of(text), origin)
    reader.walk(root)
    nodes = networks.nodes(reader, root)
    totem = _totem(reader, root, node_count=len(nodes))
    conf = CorosyncConf(
        origin=origin,
        root=root,
        totem=totem,
        interfaces=networks.interfaces(reader, root),
        nodes=networks.with_ids(reader, nodes, clear_high_bit=totem.clear_node_high_bit),
        quorum=_quorum(reader, root),
        logging=_logging(reader, root),
        keys=tuple(sorted(reader.keys.values(), key=lambda key: key.name)),
        warnings=tuple(reader.warnings),
    )
    networks.check_rings(reader, conf)
    _check(reader, conf)
    if reader.errors:
        raise ConfigError(
            f"{origin} has {len(reader.errors)} bad value(s)", diagnostics=reader.errors
        )
    return conf
