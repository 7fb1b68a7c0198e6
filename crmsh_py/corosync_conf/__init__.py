"""corosync.conf: read, checked, typed; and written for a new lab.

Input is the text of a corosync.conf (its path only names the place in messages). Output is a
``CorosyncConf``: the sections as written with their line numbers, what they mean (``totem``,
``interfaces``, ``nodes``, ``quorum``, ``logging``), and every key as Corosync's map shows it.

Rules of the file (corosync.conf(5)):
1. A line is empty, a comment (its first character is ``#``), ``name {``, ``}`` or ``key: value``.
   A comment cannot follow a value, and no value has a ``{``. Only a newline ends a line.
2. Text that breaks rule 1 is a SyntaxProblem; a value that means nothing is a ConfigError. Both
   name the line. All bad values are reported at once.
3. A key that has no effect here warns once and still appears in the map.
4. A node's id is its ``nodeid``, else its IPv4 address as a number, without the highest bit where
   ``clear_node_high_bit`` says so.
5. Timeouts that are not given follow from ``token`` as Corosync derives them; with a nodelist of
   three nodes and more, ``token_coefficient`` is added per node above two.

6. The shared key (``key``) is not in the map, and in no text that is made of the settings.

Rooms: ``values`` (what a file means), ``sections`` (how it is written), ``reader`` (one entry and
its mistakes), ``reading`` (what sections mean), ``lab`` (the nodes and the file of a new lab).
"""

from __future__ import annotations

from crmsh_py.corosync_conf.lab import LabNode, lab_nodes, new_nodes, render
from crmsh_py.corosync_conf.reading import parse
from crmsh_py.corosync_conf.sections import MAX_BYTES, Entry, Section, parse_sections
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

__all__ = [
    "MAX_BYTES",
    "MAX_NODES",
    "ConfKey",
    "CorosyncConf",
    "Entry",
    "InterfaceSettings",
    "LabNode",
    "LoggingSettings",
    "NodeEntry",
    "QuorumSettings",
    "Section",
    "TotemSettings",
    "lab_nodes",
    "new_nodes",
    "node_id_for",
    "parse",
    "parse_sections",
    "render",
]
