"""What crm_resource tells about agents: standards, providers and lists."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable

from crmsh_py.errors import CrmError, NotFound


def answer(command: str, arguments: Namespace) -> str:
    """The text for one of the commands that ask about agents. Raises CrmError."""
    from crmsh_py.agents.catalogue import Catalogue

    catalogue = Catalogue.of_machine()
    if command == "standards":
        return _lines(kind.name for kind in catalogue.classes())
    if command == "list_ocf_providers":
        wanted = arguments.list_ocf_providers
        return _lines(catalogue.providers(wanted) if wanted else catalogue.ocf_providers())
    standard, _, provider = arguments.list_agents.partition(":")
    try:
        names = catalogue.list(standard, provider)
    except NotFound as error:  # for which Pacemaker's has no code of its own
        raise CrmError(error.message, hint=error.hint) from error
    if not names:
        raise CrmError(f"No agents found for standard '{arguments.list_agents}'")
    return _lines(names)


def _lines(names: Iterable[str]) -> str:
    return "".join(f"{name}\n" for name in names)
