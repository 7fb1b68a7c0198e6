"""One reading of a corosync.conf: typed values of entries, the map's keys, what is wrong.

All bad values of a file are found in one reading; keys without effect become warnings. What the
sections mean together is in ``reading``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crmsh_py.corosync_conf.sections import Entry, Section
from crmsh_py.corosync_conf.values import ConfKey
from crmsh_py.errors import Diagnostic, did_you_mean
from crmsh_py.whole_numbers import is_number

_MAX_NAME = 254  # of a key of the map, with the names of its sections

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
        keyfile key rrp_mode link_mode rrp_problem_count_timeout rrp_problem_count_threshold
        rrp_problem_count_mcast_threshold rrp_token_expired_timeout
        rrp_autorecovery_check_timeout""",
    "totem.interface": "ringnumber linknumber bindnetaddr mcastaddr mcastport ttl",
    "nodelist.node": "ring0_addr ring1_addr name nodeid quorum_votes",
    "quorum": """
        provider expected_votes votes two_node wait_for_all last_man_standing
        last_man_standing_window auto_tie_breaker auto_tie_breaker_node allow_downscale""",
    "logging": """
        timestamp fileline function_name to_stderr to_logfile to_syslog logfile syslog_facility
        debug""",
    "logging.logger_subsys": "subsys debug",
}
_USED = {section: frozenset(words.split()) for section, words in _USED_WORDS.items()}
_LIMITS = {"u8": 0xFF, "u16": 0xFFFF, "u32": 0xFFFFFFFF}
_YES_NO = {"yes": True, "on": True, "1": True, "no": False, "off": False, "0": False}


class Reader:
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

    def error(
        self, message: str, entry: Entry, hint: str | None = None, *, secret: bool = False
    ) -> None:
        """This entry cannot be taken; a secret's line is not shown."""
        if secret:
            where = Diagnostic(message, hint=hint, origin=self.origin, line=entry.line)
            self.errors.append(where)
            return
        self.errors.append(self._diagnostic(message, entry.line, entry.value, hint))

    def warn(self, message: str, entry: Entry, hint: str | None = None) -> None:
        """This entry does not do what somebody may expect of it."""
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
            if (kind, entry.key) == ("totem", "key"):
                continue  # a secret is nobody's to look at
            key_type = _TYPES.get((kind, entry.key), "str")
            name = f"{prefix}.{entry.key}"
            if len(name) > _MAX_NAME:
                self.error(f"the name of a key has at most {_MAX_NAME} characters", entry)
                continue
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
        if not is_number(entry.value):
            hint = "a comment must stand on a line of its own" if "#" in entry.value else None
            self.error(f"{name} must be a number, not '{entry.value}'", entry, hint)
            return None
        if int(entry.value) > limit:
            self.error(f"{name} must be at most {limit}", entry)
            return None
        return int(entry.value)

    # -- values of sections: the last section of a name wins key by key, as in Corosync

    @staticmethod
    def entry(sections: Sequence[Section], key: str) -> Entry | None:
        """The last entry of a key in several sections of one name."""
        found = [entry for section in sections if (entry := section.get(key)) is not None]
        return found[-1] if found else None

    def integer(
        self,
        sections: Sequence[Section],
        key: str,
        default: int,
        least: int = 0,
        most: int = 0xFFFFFFFF,
    ) -> int:
        """The number of a key; ``default`` where it is missing, or was reported as bad."""
        entry = self.entry(sections, key)
        if entry is None or not is_number(entry.value):
            return default  # a value that is no number was reported by walk()
        number = int(entry.value)
        if number < least:
            self.error(f"{key} must be at least {least}", entry)
            return default
        if number > most:
            self.error(f"{key} must be at most {most}", entry)
            return default
        return number

    def flag(self, sections: Sequence[Section], key: str, default: bool) -> bool:
        """The yes or no of a key."""
        entry = self.entry(sections, key)
        if entry is None:
            return default
        if entry.value not in _YES_NO:
            self.error(f"{key} must be yes or no, not '{entry.value}'", entry)
            return default
        return _YES_NO[entry.value]

    def word(
        self, sections: Sequence[Section], key: str, default: str, words: Iterable[str] = ()
    ) -> str:
        """The word of a key, one of ``words`` where these are given."""
        entry = self.entry(sections, key)
        if entry is None:
            return default
        allowed = tuple(words)
        if allowed and entry.value not in allowed:
            hint = did_you_mean(entry.value, allowed)
            self.error(f"{key} must be one of {', '.join(allowed)}", entry, hint)
            return default
        return entry.value
