"""``python -m crmsh_py.node SETTINGS.json``: one node's daemon."""

from __future__ import annotations

import sys

from crmsh_py.node.daemon import main

sys.exit(main())
