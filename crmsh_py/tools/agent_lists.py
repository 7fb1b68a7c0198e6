"""What crm_resource tells about agents: standards, providers and lists."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable

from crmsh_py.errors import NotFound


def answer(command: str, arguments: Namespace) -> str:
    """The text for one of the commands that ask about agents. Raises NotFound."""
    from crmsh_py.agents.catalogue import Catalogue

    catalogue = Catalogue.of_machine()
    if command == "standards":
        return _lines(kind.name for kind in catalogue.classes())
    if command == "list_ocf_providers":
        wanted = arguments.list_ocf_providers
        return _lines(catalogue.providers(wanted) if wanted else catalogue.ocf_providers())
    standard, _, provider = arguments.list_agents.partition(":")
    names = catalogue.list(standard, provider)
    if not names:
        raise NotFound(f"No agents found for standard '{arguments.list_agents}'")
    return _lines(names)


def _lines(names: Iterable[str]) -> str:
    return "".join(f"{name}\n" for name in names)
