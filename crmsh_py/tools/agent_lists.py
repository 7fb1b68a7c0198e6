"""What crm_resource tells about agents: standards, providers and lists."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable

from crmsh_py.errors import CrmError, NotFound
from crmsh_py.tools.common import EXIT_NO_SUCH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.agent_name import AgentSpec


def answer(command: str, arguments: Namespace) -> str:
    """The text for one of the commands that ask about agents. Raises CrmError."""
    from crmsh_py.agents.catalogue import Catalogue

    catalogue = Catalogue.of_machine()
    if command == "show_metadata":
        try:
            return metadata(catalogue.resolve(arguments.show_metadata))
        except CrmError as error:
            error.exit_code = EXIT_NO_SUCH  # whatever of it there is not
            raise
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


def metadata(spec: AgentSpec) -> str:
    """What an agent says of itself, as it says it; of one that is not here, what we know of it.

    Raises NotFound: nothing is known of it; other CrmError kinds: it does not answer.
    """
    import os

    from crmsh_py.agents.installed import InstalledAgents
    from crmsh_py.resources import ra_metadata_directory

    said = InstalledAgents.of(os.environ).text(spec)
    if said is not None:
        return said.decode("utf-8", "replace")
    own = ra_metadata_directory().joinpath(spec.standard, spec.provider, f"{spec.type}.xml")
    if not own.is_file():
        raise NotFound(f"Metadata query for {spec} failed: it is not installed here")
    return own.read_text(encoding="utf-8")


def _lines(names: Iterable[str]) -> str:
    return "".join(f"{name}\n" for name in names)
