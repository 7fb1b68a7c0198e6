"""What ``crm_error`` tells: names and meanings of exit codes, and of what functions return.

Facts: Pacemaker's functions return 0, an errno, or numbers of their own: below -1000, and in the
older convention, where errnos may be negative, from 201 on.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable

from crmsh_py.cib.element import Element
from crmsh_py.scheduler.exit_texts import exit_text
from crmsh_py.value import frozen

_EXITS = {
    0: "OK", 1: "ERROR", 2: "INVALID_PARAM", 3: "UNIMPLEMENT_FEATURE", 4: "INSUFFICIENT_PRIV",
    5: "NOT_INSTALLED", 6: "NOT_CONFIGURED", 7: "NOT_RUNNING", 8: "PROMOTED",
    9: "FAILED_PROMOTED", 64: "USAGE", 65: "DATAERR", 66: "NOINPUT", 67: "NOUSER", 68: "NOHOST",
    69: "UNAVAILABLE", 70: "SOFTWARE", 71: "OSERR", 72: "OSFILE", 73: "CANTCREAT", 74: "IOERR",
    75: "TEMPFAIL", 76: "PROTOCOL", 77: "NOPERM", 78: "CONFIG", 100: "FATAL", 101: "PANIC",
    102: "DISCONNECT", 103: "OLD", 104: "DIGEST", 105: "NOSUCH", 106: "QUORUM", 107: "UNSAFE",
    108: "EXISTS", 109: "MULTIPLE", 110: "EXPIRED", 111: "NOT_YET_IN_EFFECT",
    112: "INDETERMINATE", 113: "UNSATISFIED", 124: "TIMEOUT", 190: "DEGRADED",
    191: "DEGRADED_PROMOTED", 193: "NONE",
}  # fmt: skip
# Of both conventions; the older one counts these from 200 on.
_SHARED = {
    1: ("error", "Error"),
    2: ("unknown_format", "Unknown output format"),
    3: ("bad_nvpair", "Bad name/value pair given"),
    4: ("already", "Already in requested state"),
    5: ("node_unknown", "Node not found"),
    6: ("multiple", "Resource active on multiple nodes"),
    7: ("cib_corrupt", "Could not parse on-disk configuration"),
    8: ("cib_save", "Could not save new configuration to disk"),
    9: ("cib_backup", "Could not archive previous configuration"),
    10: ("cib_modified", "On-disk configuration was manually modified"),
    11: ("diff_resync", "Application of update diff failed, requesting full refresh"),
    12: ("diff_failed", "Application of update diff failed"),
    13: ("old_data", "Update was older than existing configuration"),
    14: ("transform_failed", "Schema transform failed"),
    16: ("schema_validation", "Update does not conform to the configured schema"),
    17: ("no_quorum", "Operation requires quorum"),
}
_NEW = {
    15: ("schema_unchanged", "Schema is already the latest available"),
    18: ("ipc_unauthorized", "IPC server is blocked by unauthorized process"),
    19: ("ipc_unresponsive", "IPC server is unresponsive"),
    20: ("ipc_pid_only", "IPC server process is active but not accepting connections"),
    21: ("op_unsatisfied", "Not applicable under current conditions"),
    22: ("undetermined", "Result undetermined"),
    23: ("before_range", "Result occurs before given range"),
    24: ("within_range", "Result occurs within given range"),
    25: ("after_range", "Result occurs after given range"),
    26: ("no_output", "Output message produced no output"),
    27: ("no_input", "Input file not available"),
    28: ("underflow", "Value too small to be stored in data type"),
    29: ("dot_error", "Error writing dot(1) file"),
    30: ("graph_error", "Error writing graph file"),
    31: ("invalid_transition", "Cluster simulation produced invalid transition"),
    32: ("unpack_error", "Unable to parse CIB XML"),
    33: ("duplicate_id", "Two or more XML elements have the same ID"),
}
# The older convention's numbers: the same meanings in another order.
_OLD = {
    201: 1, 202: 17, 203: 16, 204: 14, 205: 13, 206: 12, 207: 11, 208: 10, 209: 9, 210: 8, 212: 7,
    213: 6, 214: 5, 215: 4, 216: 3, 217: 2,
}  # fmt: skip
_LAST_ERRNO = 129
# Errnos that Pacemaker has no name of.
_UNNAMED = {48, 50, 55, 59, 68, 69, 73, 109, 118, 119}


@frozen
class Code:
    """A number, what it is called ('' for a number that is not known), and what it means."""

    number: int
    name: str
    meaning: str


def exit_code(number: int) -> Code:
    """An exit code of a program."""
    name = f"CRM_EX_{_EXITS[number]}" if number in _EXITS else "CRM_EX_UNKNOWN"
    return Code(number, name, exit_text(number) if number in _EXITS else "Unknown exit status")


def return_code(number: int) -> Code:
    """What a function returns today."""
    if number == 0:
        return Code(0, "pcmk_rc_ok", "OK")
    if number > 0:
        return _errno(number, number)
    name, meaning = (_SHARED | _NEW).get(-number - 1000, ("", "Error"))
    return Code(number, f"pcmk_rc_{name}" if name else "Unknown", meaning)


def legacy_code(number: int) -> Code:
    """What a function returns in the older convention, where the sign makes no difference."""
    plain = abs(number)
    if plain == 0:
        return return_code(0)
    if plain not in _OLD:
        return _errno(number, plain)
    name, meaning = _SHARED[_OLD[plain]]
    return Code(number, f"pcmk_err_{'generic' if plain == 201 else name}", meaning)


def _errno(number: int, plain: int) -> Code:
    name = "EOPNOTSUPP" if plain == errno.EOPNOTSUPP else errno.errorcode.get(plain, "Unknown")
    return Code(number, name, os.strerror(plain))  # two errnos have the number of the first


def exit_codes() -> list[Code]:
    """All exit codes."""
    return [exit_code(number) for number in _EXITS]


def return_codes() -> list[Code]:
    """All that functions return."""
    own = sorted(-1000 - each for each in _SHARED | _NEW)
    return [return_code(number) for number in (*own, 0, *_errnos())]


def legacy_codes() -> list[Code]:
    """All that functions return in the older convention."""
    return [legacy_code(number) for number in (0, *_errnos(), *_OLD)]


def _errnos() -> list[int]:
    return [
        each for each in sorted(errno.errorcode) if each <= _LAST_ERRNO and each not in _UNNAMED
    ]


def lines(codes: Iterable[Code], *, named: bool) -> str:
    """What codes mean, a line for each."""
    return "".join(
        f"{each.name} - {each.meaning}\n" if named else f"{each.meaning}\n" for each in codes
    )


def table(codes: Iterable[Code], *, named: bool) -> str:
    """A list of codes with their numbers."""
    return "".join(
        f"{each.number:5d}: {each.name:<26}  {each.meaning}\n"
        if named
        else f"{each.number:5d}: {each.meaning}\n"
        for each in codes
    )


def elements(codes: Iterable[Code], *, named: bool) -> list[Element]:
    """The same as XML."""
    return [
        Element(
            "result-code",
            {"code": str(each.number)}
            | ({"name": each.name} if named else {})
            | {"description": each.meaning},
        )
        for each in codes
    ]
