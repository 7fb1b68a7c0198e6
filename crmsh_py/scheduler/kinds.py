"""Which class stands for which element."""

from __future__ import annotations

from crmsh_py.scheduler.bundle import Bundle
from crmsh_py.scheduler.clone import Clone
from crmsh_py.scheduler.group import Group
from crmsh_py.scheduler.primitive import Primitive
from crmsh_py.scheduler.resource import Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final


CLASSES: Final[dict[str, type[Resource]]] = {
    "primitive": Primitive,
    "group": Group,
    "clone": Clone,
    "bundle": Bundle,
}
