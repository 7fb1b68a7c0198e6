"""The ``meta-data`` of a stand-in: the agent's own from the catalogue, or the least there is."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import quoteattr

from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.errors import CrmError
from crmsh_py.resources import ra_metadata_directory

_LEAST = """\
<?xml version="1.0"?>
<resource-agent name={name} version="1.1">
  <version>1.1</version>
  <longdesc lang="en">A stand-in for an agent that is not installed here.</longdesc>
  <shortdesc lang="en">A stand-in</shortdesc>
  <parameters/>
  <actions>
    <action name="start" timeout="20s"/>
    <action name="stop" timeout="20s"/>
    <action name="monitor" timeout="20s" interval="10s" depth="0"/>
    <action name="meta-data" timeout="5s"/>
    <action name="validate-all" timeout="20s"/>
  </actions>
</resource-agent>
"""


def describe(spec: AgentSpec) -> str:
    """The XML of an agent's metadata."""
    try:
        directory: Path | None = ra_metadata_directory()
    except CrmError:
        directory = None
    if directory is not None and "/" not in spec.type and "/" not in (spec.provider or ""):
        path = directory / spec.standard / (spec.provider or "") / f"{spec.type}.xml"
        try:
            return path.read_text(encoding="utf-8")
        except OSError:
            pass  # not in the catalogue
    return _LEAST.format(name=quoteattr(spec.type))
