"""On whose behalf the configuration is changed, and what access control lists say of that.

Whoever takes a commit asks first, so that nothing goes on its way in vain. What counts are the
lists of the configuration that the commit is made on: they may have changed while it waited for
its turn in the ring, or for the next view. So the user travels with it, and every node asks again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from crmsh_py.cib.acl import Access
from crmsh_py.cib.element import Element
from crmsh_py.errors import Conflict, NotPermitted
from crmsh_py.xml_text import is_xml_text

_MOST_TOLD = 1024  # characters of a name; a longer one can be told nobody, and no list names it


@dataclass(frozen=True, slots=True)
class Writer:
    """A user whom lists may limit ('': nobody is limited), and his groups."""

    user: str = ""
    groups: tuple[str, ...] = ()

    @classmethod
    def of(cls, user: str, groups: Iterable[str]) -> Writer:
        """With the groups that a list can name. Raises NotPermitted: no list can name the user."""
        if not _can_be_told(user):
            raise NotPermitted("the name of this user is too long, or has control characters in it")
        return cls(user, tuple(sorted(set(filter(_can_be_told, groups)))) if user else ())

    def check(self, old: Element, new: Element, *, forced: bool) -> None:
        """Raise NotPermitted where he may not change the old CIB to the new one."""
        access = Access.of(old, self.user, self.groups)
        if access is None:
            return
        access.check(old, new)
        if forced and not access.rights(old).at(0).write:
            raise NotPermitted(f"{access.user} may not change a configuration without quorum")

    def told(self, root: Element, error: Conflict) -> Conflict:
        """The conflict as he may know it: it has values of the CIB, and who changed them."""
        access = Access.of(root, self.user, self.groups)
        if access is None or access.reads_all(root):
            return error
        return Conflict(
            "what this changes is not as it was, or is hidden", hint="look at it and try again"
        )


def _can_be_told(name: str) -> bool:
    return len(name) <= _MOST_TOLD and is_xml_text(name)


NOBODY_LIMITED = Writer()
