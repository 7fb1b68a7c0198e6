"""The kinds of clusters. Apart from ``port``, which loads what a quick command does without."""

from __future__ import annotations

from enum import StrEnum


class ClusterKind(StrEnum):
    """What stands behind a ``port.Cluster``; the words are those of ``--cluster``."""

    LOCAL = "local"  # a lab of this machine
    FILE = "file"  # a CIB in a file: nothing runs
    PACEMAKER = "pacemaker"  # a real cluster
