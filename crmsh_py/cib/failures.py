"""Names of the transient attributes that count failures: ``fail-count-RSC#OP_INTERVAL``."""

from __future__ import annotations

FAIL_COUNT = "fail-count-"
LAST_FAILURE = "last-failure-"
