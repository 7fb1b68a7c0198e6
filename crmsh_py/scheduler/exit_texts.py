"""What exit codes mean, in the words of Pacemaker 3: for messages here, and for views.

The codes of agents (0 to 9, 190, 191) and those of tools and daemons share one table.
"""

from __future__ import annotations

_EXITS: dict[int, str] = {
    0: "OK",
    1: "Error occurred",
    2: "Invalid parameter",
    3: "Unimplemented",
    4: "Insufficient privileges",
    5: "Not installed",
    6: "Not configured",
    7: "Not running",
    8: "Promoted",
    9: "Failed in promoted role",
    64: "Incorrect usage",
    65: "Invalid data given",
    66: "Input file not available",
    67: "User does not exist",
    68: "Host does not exist",
    69: "Necessary service unavailable",
    70: "Internal software bug",
    71: "Operating system error occurred",
    72: "System file not available",
    73: "Cannot create output file",
    74: "I/O error occurred",
    75: "Temporary failure, try again",
    76: "Protocol violated",
    77: "Insufficient privileges",
    78: "Invalid configuration",
    100: "Fatal error occurred, will not respawn",
    101: "System panic required",
    102: "Not connected",
    103: "Update was older than existing configuration",
    104: "Digest mismatch",
    105: "No such object",
    106: "Quorum required",
    107: "Operation not safe",
    108: "Requested item already exists",
    109: "Multiple items match request",
    110: "Requested item has expired",
    111: "Requested item is not yet in effect",
    112: "Could not determine status",
    113: "Not applicable under current conditions",
    124: "Timeout occurred",
    190: "Service is active but might fail soon",
    191: "Service is promoted but might fail soon",
    193: "No exit status available",
}
_FIRST_SIGNAL_EXIT = 129


def exit_text(rc: int) -> str:
    """What an exit code means."""
    if rc in _EXITS:
        return _EXITS[rc]
    return "Interrupted by signal" if _FIRST_SIGNAL_EXIT <= rc < 256 else "Unknown exit status"
