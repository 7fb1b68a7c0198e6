"""What completion can insert, and where it has names from."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from crmsh_py.errors import CrmError
from crmsh_py.shell.snapshot import Snapshot
from crmsh_py.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.agents.catalogue import Catalogue
    from crmsh_py.agents.metadata import AgentMetadata


@frozen
class Candidate:
    """What can be inserted, and what is said beside it.

    ``open`` ones are no whole word yet (``ip=``, ``ocf:``): no blank follows them. ``required``
    ones are marked. ``fits`` is False for names that the command would have nothing to do with (a
    running resource for ``start``): they come up only where nothing else begins so.
    """

    text: str
    about: str = ""
    open: bool = False
    required: bool = False
    fits: bool = True
    shown: str = ""

    def label(self, typed: str) -> str:
        """What is shown in a list: of ``name=value`` the value where the name is typed already, of
        a path its last part.
        """
        if self.shown or self.open:
            return self.shown or self.text.removesuffix("=")
        return (self.text.partition("=")[2] if "=" in typed else "") or self.text


@frozen
class Sources:
    """Where names come from."""

    snapshot: Snapshot
    catalogue: Catalogue
    shipped: Callable[[], Iterable[str]] = tuple  # templates of the level template
    begun: Callable[[], Iterable[str]] = tuple  # what the user has begun from them
    describes: bool = True  # whether a list of agents says what each one is for

    def agent(self, name: str) -> AgentMetadata | None:
        """What an agent (or the agent of an @template) says about itself, if it is known."""
        if name.startswith("@"):
            name = self.snapshot.agents.get(name[1:], "")
        if not name:
            return None
        try:
            return self.catalogue.find(self.catalogue.resolve(name))
        except CrmError:
            return None
