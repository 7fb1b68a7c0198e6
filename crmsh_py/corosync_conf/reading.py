"""From sections to values: types, defaults, checks, and the map's keys.

All bad values of a file are found in one reading; keys without effect become warnings.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from crmsh_py.corosync_conf.sections import Entry, Section, parse_sections
from crmsh_py.corosync_conf.values import (
    MAX_NODES,
    ConfKey,
    CorosyncConf,
    InterfaceSettings,
    LoggingSettings,
    NodeEntry,
    QuorumSettings,
    TotemSettings,
    node_id_for,
)
from crmsh_py.errors import ConfigError, Diagnostic, did_you_mean

_MOST_DIGITS = 15
_MINIMUM_MS = 30  # Corosync's least timeout: three ticks of a 100 Hz clock

# Types of the map's keys, by section; whatever is not named is a str. Used keys have an effect
# here; the others warn. ``nodelist.node`` and ``totem.interface`` also have numbered keys.
_TOTEM_NUMBERS = """
    version nodeid threads token token_coefficient token_retransmit token_warning hold join
    token_retransmits_before_loss_const send_join consensus merge downcheck fail_recv_const
    seqno_unchanged_const heartbeat_failures_allowed max_network_delay window_size max_messages
    miss_count_const netmtu rrp_problem_count_timeout rrp_problem_count_threshold
    rrp_problem_count_mcast_threshold rrp_autorecovery_check_timeout rrp_token_expired_timeout
    config_version knet_mtu"""
_TYPE_WORDS = {
    ("totem", "u32"): _TOTEM_NUMBERS,
    ("totem.interface", "u16"): "mcastport",
    ("totem.interface", "u8"): "ttl ringnumber linknumber",
    ("nodelist.node", "u32"): "nodeid quorum_votes",
    ("quorum", "u32"): "expected_votes votes last_man_standing_window leaving_timeout",
    ("quorum", "u8"): "two_node wait_for_all auto_tie_breaker last_man_standing allow_downscale",
}
_TYPES = {
    (section, key): key_type
    for (section, key_type), words in _TYPE_WORDS.items()
    for key in words.split()
}
_USED_WORDS = {
    "totem": """
        version cluster_name nodeid token token_coefficient token_retransmit hold join consensus
        token_retransmits_before_loss_const merge seqno_unchanged_const window_size max_messages
        fail_recv_const netmtu clear_node_high_bit transport secauth crypto_cipher crypto_hash
        rrp_mode""",
    "totem.interface": "ringnumber bindnetaddr mcastaddr mcastport ttl",
    "nodelist.node": "ring0_addr name nodeid quorum_votes",
    "quorum": """
        provider expected_votes votes two_node wait_for_all last_man_standing
        last_man_standing_window auto_tie_breaker auto_tie_breaker_node""",
    "logging": """
        timestamp fileline function_name to_stderr to_logfile to_syslog logfile syslog_facility
        debug""",
    "logging.logger_subsys": "subsys debug",
}
_USED = {section: frozenset(words.split()) for section, words in _USED_WORDS.items()}
_LIMITS = {"u8": 0xFF, "u16": 0xFFFF, "u32": 0xFFFFFFFF}
_YES_NO = {"yes": True, "on": True, "1": True, "no": False, "off": False, "0": False}


def _is_number(text: str) -> bool:
    """Plain decimal digits, and not so many that converting them is work."""
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS


class _Reader:
    """One reading: values become typed, and what is wrong or unused is written down."""

    def __init__(self, lines: Sequence[str], origin: str) -> None:
        self.lines = lines
        self.origin = origin
        self.errors: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []
        self.keys: dict[str, ConfKey] = {}

    # -- telling

    def _diagnostic(self, message: str, line: int, value: str, hint: str | None) -> Diagnostic:
        source = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        start = source.rfind(value) if value else len(source.rstrip())
        span = (max(0, start), max(0, start) + len(value))
        return Diagnostic(message, source, span, hint, origin=self.origin, line=line)

    def error(self, message: str, entry: Entry, hint: str | None = None) -> None:
        self.errors.append(self._diagnostic(message, entry.line, entry.value, hint))

    def warn(self, message: str, entry: Entry, hint: str | None = None) -> None:
        self.warnings.append(Diagnostic(message, hint=hint, origin=self.origin, line=entry.line))

    # -- the map's keys

    def walk(self, root: Section) -> None:
        """Make the map's key of every entry, warn of the unused ones, check the numbers."""
        node_position = 0
        for entry in root.entries:
            self.error(f"'{entry.key}' must stand in a section", entry)
        for section in root.sections:
            self._keys_of(section, section.name, section.name)
            for inner in section.sections:
                kind = f"{section.name}.{inner.name}"
                prefix = kind
                if kind == "totem.interface":
                    number = inner.get("ringnumber") or inner.get("linknumber")
                    prefix = f"{kind}.{number.value if number else 0}"
                elif kind == "nodelist.node":
                    prefix = f"{kind}.{node_position}"
                    node_position += 1
                elif kind == "logging.logger_subsys":
                    subsystem = inner.get("subsys")
                    if subsystem is None:
                        mark = Entry(inner.name, "", inner.line)
                        self.error("a logger_subsys needs the key 'subsys'", mark)
                        continue
                    prefix = f"{kind}.{subsystem.value}"
                self._keys_of(inner, kind, prefix)

    def _keys_of(self, section: Section, kind: str, prefix: str) -> None:
        for entry in section.entries:
            key_type = _TYPES.get((kind, entry.key), "str")
            name = f"{prefix}.{entry.key}"
            known = name in self.keys
            if kind == "uidgid":  # a user or group that may connect: the id is the key's name
                name, key_type = f"{name}.{entry.value}", "u8"
                self.keys[name] = ConfKey(name, key_type, "1")
            elif entry.key not in ("ringnumber", "linknumber"):
                self.keys[name] = ConfKey(name, key_type, entry.value)
            if key_type != "str" and kind != "uidgid":
                self._number(entry, name, _LIMITS[key_type])
            if entry.key not in _USED.get(kind, frozenset()) and not known:
                used = _USED.get(kind, frozenset())
                near = None if (kind, entry.key) in _TYPES else did_you_mean(entry.key, used)
                self.warn(f"{name} has no effect here; corosync-cmapctl shows it", entry, near)

    def _number(self, entry: Entry, name: str, limit: int) -> int | None:
        if not _is_number(entry.value):
            hint = "a comment must stand on a line of its own" if "#" in entry.value else None
            self.error(f"{name} must be a number, not '{entry.value}'", entry, hint)
            return None
        if int(entry.value) > limit:
            self.error(f"{name} must be at most {limit}", entry)
            return None
        return int(entry.value)

    # -- values of sections: the last section of a name wins key by key, as in Corosync

    @staticmethod
    def _entry(sections: Sequence[Section], key: str) -> Entry | None:
        found = [entry for section in sections if (entry := section.get(key)) is not None]
        return found[-1] if found else None

    def _integer(self, sections: Sequence[Section], key: str, default: int, least: int = 0) -> int:
        entry = self._entry(sections, key)
        if entry is None or not _is_number(entry.value):
            return default  # a value that is no number was reported by walk()
        number = int(entry.value)
        if number < least:
            self.error(f"{key} must be at least {least}", entry)
            return default
        return number

    def _flag(self, sections: Sequence[Section], key: str, default: bool) -> bool:
        entry = self._entry(sections, key)
        if entry is None:
            return default
        if entry.value not in _YES_NO:
            self.error(f"{key} must be yes or no, not '{entry.value}'", entry)
            return default
        return _YES_NO[entry.value]

    def _word(
        self, sections: Sequence[Section], key: str, default: str, words: Iterable[str] = ()
    ) -> str:
        entry = self._entry(sections, key)
        if entry is None:
            return default
        allowed = tuple(words)
        if allowed and entry.value not in allowed:
            hint = did_you_mean(entry.value, allowed)
            self.error(f"{key} must be one of {', '.join(allowed)}", entry, hint)
            return default
        return entry.value

    def totem(self, root: Section, *, node_count: int) -> TotemSettings:
        """The protocol's settings, the derived ones as Corosync's totemconfig derives them."""
        own = root.named("totem")
        version = self._entry(own, "version")
        if version is not None and version.value != "2":
            self.error("totem.version must be 2", version)
        token = self._integer(own, "token", 1000, _MINIMUM_MS)
        if node_count > 2:  # corosync.conf(5), token_coefficient
            token += (node_count - 2) * self._integer(own, "token_coefficient", 650)
        losses = self._integer(own, "token_retransmits_before_loss_const", 4, 1)
        retransmit = self._integer(own, "token_retransmit", int(token / (losses + 0.2)), 1)
        hold = self._integer(own, "hold", max(1, int(retransmit * 0.8) - 10), 1)
        nodeid = self._entry(own, "nodeid")
        if nodeid is not None and nodeid.value == "0":
            self.error("nodeid 0 means nobody", nodeid)
        secauth = self._flag(own, "secauth", default=False)
        ciphers = ("none", "aes256", "aes192", "aes128", "3des")
        hashes = ("none", "md5", "sha1", "sha256", "sha384", "sha512")
        return TotemSettings(
            token_ms=token,
            token_retransmits_before_loss_const=losses,
            token_retransmit_ms=retransmit,
            hold_ms=hold,
            join_ms=self._integer(own, "join", 50, 1),
            consensus_ms=self._integer(own, "consensus", int(token * 1.2), _MINIMUM_MS),
            merge_ms=self._integer(own, "merge", 200, _MINIMUM_MS),
            max_messages=self._integer(own, "max_messages", 17, 1),
            window_size=self._integer(own, "window_size", 50, 1),
            seqno_unchanged_const=self._integer(own, "seqno_unchanged_const", 30, 1),
            fail_recv_const=self._integer(own, "fail_recv_const", 2500, 1),
            netmtu=self._integer(own, "netmtu", 1500, 576),
            clear_node_high_bit=self._flag(own, "clear_node_high_bit", default=False),
            nodeid=self._integer(own, "nodeid", 0) or None,
            cluster_name=self._word(own, "cluster_name", ""),
            transport=self._word(own, "transport", "udp", ("udp", "udpu", "knet")),
            secauth=secauth,
            crypto_cipher=self._word(
                own, "crypto_cipher", "aes256" if secauth else "none", ciphers
            ),
            crypto_hash=self._word(own, "crypto_hash", "sha256" if secauth else "none", hashes),
            rrp_mode=self._word(own, "rrp_mode", "none", ("none", "active", "passive")),
        )

    def interfaces(self, root: Section) -> tuple[InterfaceSettings, ...]:
        """The interface sections by ring number."""
        found: dict[int, InterfaceSettings] = {}
        for totem in root.named("totem"):
            for section in totem.named("interface"):
                one = (section,)
                number = self._integer(one, "ringnumber", self._integer(one, "linknumber", 0))
                if number in found:
                    mark = section.get("ringnumber") or Entry("interface", "", section.line)
                    self.error(f"ring {number} has a second interface section", mark)
                for key, wanted in (("bindnetaddr", "an"), ("mcastaddr", "a multicast")):
                    self._check_address(section.get(key), key, wanted)
                found[number] = InterfaceSettings(
                    ringnumber=number,
                    bindnetaddr=self._word(one, "bindnetaddr", ""),
                    mcastaddr=self._word(one, "mcastaddr", "239.192.0.1"),
                    mcastport=self._integer(one, "mcastport", 5405, 1),
                    ttl=self._integer(one, "ttl", 1),
                )
                if number > 0:
                    mark = section.get("ringnumber") or Entry("interface", "", section.line)
                    self.warn(f"ring {number} has no effect here: only ring 0 carries data", mark)
        return tuple(found[number] for number in sorted(found)) or (InterfaceSettings(),)

    def _check_address(self, entry: Entry | None, key: str, wanted: str) -> None:
        if entry is None:
            return
        try:
            address = ipaddress.ip_address(entry.value)
        except ValueError:
            self.error(f"{key} must be {wanted} address, not '{entry.value}'", entry)
            return
        if key == "mcastaddr" and not address.is_multicast:
            hint = "for IPv4: 224.0.0.0 to 239.255.255.255; 239.255.0.0 and above are local"
            self.error(f"'{entry.value}' is not a multicast address", entry, hint)

    def nodes(self, root: Section) -> list[tuple[Section, NodeEntry]]:
        """The nodelist; ids that must come from an address are 0 until with_ids()."""
        found = []
        for nodelist in root.named("nodelist"):
            for section in nodelist.named("node"):
                one = (section,)
                address = section.get("ring0_addr")
                if address is None or not address.value:
                    mark = address or Entry("node", "", section.line)
                    self.error("a node of the nodelist needs ring0_addr", mark)
                    continue
                node = NodeEntry(
                    name=self._word(one, "name", ""),
                    address=address.value,
                    node_id=self._integer(one, "nodeid", 0),
                    votes=self._integer(one, "quorum_votes", 1),
                )
                found.append((section, node))
        return found

    def with_ids(
        self, nodes: Sequence[tuple[Section, NodeEntry]], *, clear_high_bit: bool
    ) -> tuple[NodeEntry, ...]:
        """The nodes with their ids; two nodes with the same name, address or id are an error."""
        result: list[NodeEntry] = []
        seen: set[tuple[str, object]] = set()
        for section, node in nodes:
            mark = section.get("ring0_addr") or Entry("node", "", section.line)
            node_id = node.node_id
            if not node_id:
                try:
                    node_id = node_id_for(node.address, clear_high_bit=clear_high_bit)
                except ConfigError as error:
                    self.error(error.message, mark, error.hint)
                    continue
            for key, value in (
                ("ring0_addr", node.address),
                ("nodeid", node_id),
                ("name", node.name),
            ):
                if value and (key, value) in seen:
                    self.error(f"two nodes have the same {key} {value}", section.get(key) or mark)
                seen.add((key, value))
            result.append(
                NodeEntry(name=node.name, address=node.address, node_id=node_id, votes=node.votes)
            )
        if len(result) > MAX_NODES:
            mark = Entry("nodelist", "", nodes[0][0].line)
            self.error(f"more than {MAX_NODES} nodes in the nodelist", mark)
        return tuple(result)

    def quorum(self, root: Section) -> QuorumSettings:
        """votequorum's settings; two_node turns wait_for_all on unless it is set itself."""
        own = root.named("quorum")
        two_node = self._flag(own, "two_node", default=False)
        tie_breaker = self._word(own, "auto_tie_breaker_node", "lowest")
        if tie_breaker not in ("lowest", "highest") and not all(
            _is_number(word) for word in tie_breaker.split()
        ):
            entry = self._entry(own, "auto_tie_breaker_node")
            assert entry is not None, "the default is lowest"
            self.error("auto_tie_breaker_node must be lowest, highest or a list of ids", entry)
            tie_breaker = "lowest"
        return QuorumSettings(
            provider=self._word(own, "provider", "", ("corosync_votequorum",)),
            expected_votes=self._integer(own, "expected_votes", 0, 1),
            votes=self._integer(own, "votes", 1),
            two_node=two_node,
            wait_for_all=self._flag(own, "wait_for_all", default=two_node),
            last_man_standing=self._flag(own, "last_man_standing", default=False),
            last_man_standing_window_ms=self._integer(
                own, "last_man_standing_window", 10_000, _MINIMUM_MS
            ),
            auto_tie_breaker=self._flag(own, "auto_tie_breaker", default=False),
            auto_tie_breaker_node=tie_breaker,
        )

    def logging(self, root: Section) -> LoggingSettings:
        """How and where to log; the subsystems that have debug of their own."""
        own = root.named("logging")
        debug = [
            name.value
            for section in own
            for inner in section.named("logger_subsys")
            if (name := inner.get("subsys")) and self._flag((inner,), "debug", default=False)
        ]
        return LoggingSettings(
            timestamp=self._word(own, "timestamp", "on", ("on", "off", "hires")),
            fileline=self._flag(own, "fileline", default=False),
            function_name=self._flag(own, "function_name", default=False),
            to_stderr=self._flag(own, "to_stderr", default=True),
            to_logfile=self._flag(own, "to_logfile", default=False),
            to_syslog=self._flag(own, "to_syslog", default=True),
            logfile=self._word(own, "logfile", ""),
            syslog_facility=self._word(own, "syslog_facility", "daemon"),
            debug=self._flag(own, "debug", default=False),
            debug_subsystems=tuple(debug),
        )

    def check(self, conf: CorosyncConf) -> None:
        """What must hold between keys."""
        totem = conf.root.named("totem")
        consensus = self._entry(totem, "consensus")
        if conf.totem.consensus_ms < conf.totem.join_ms and consensus is not None:
            self.error("consensus must not be less than join", consensus)
        elif conf.totem.consensus_ms < 1.2 * conf.totem.token_ms and consensus is not None:
            least = int(conf.totem.token_ms * 1.2)
            self.warn(f"consensus should be at least 1.2 * token, {least} here", consensus)
        two_node = self._entry(conf.root.named("quorum"), "two_node")
        if two_node is not None and conf.quorum.two_node and conf.expected_votes != 2:
            self.error(f"two_node needs expected_votes 2, not {conf.expected_votes}", two_node)


def parse(text: str, origin: str = "corosync.conf") -> CorosyncConf:
    """Read a whole file. Raises SyntaxProblem or ConfigError, each with the line."""
    root = parse_sections(text, origin)
    reader = _Reader(text.splitlines(), origin)
    reader.walk(root)
    nodes = reader.nodes(root)
    totem = reader.totem(root, node_count=len(nodes))
    conf = CorosyncConf(
        origin=origin,
        root=root,
        totem=totem,
        interfaces=reader.interfaces(root),
        nodes=reader.with_ids(nodes, clear_high_bit=totem.clear_node_high_bit),
        quorum=reader.quorum(root),
        logging=reader.logging(root),
        keys=tuple(sorted(reader.keys.values(), key=lambda key: key.name)),
        warnings=tuple(reader.warnings),
    )
    reader.check(conf)
    if reader.errors:
        raise ConfigError(
            f"{origin} has {len(reader.errors)} bad value(s)", diagnostics=reader.errors
        )
    return conf
