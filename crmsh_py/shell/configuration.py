"""``configure show`` and ``get-property`` for programs: records of the configuration.

They are here and not in ``views``, which does not know the language that they carry.
"""

from __future__ import annotations

from collections.abc import Sequence

from crmsh_py.value import frozen
from crmsh_py.views.records import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib


@frozen(kw_only=True)
class Object:
    """An element of the configuration: its kind and name, and its text in the crm language."""

    kind: str
    id: str
    text: str


@frozen(kw_only=True)
class Configuration:
    """The objects that were asked for, in the order of ``show``; ``version`` is the CIB's."""

    version: str
    schema: str
    objects: tuple[Object, ...]


@frozen
class Properties:
    """Cluster properties with the values that hold: what is set, else the default."""

    properties: tuple[Value, ...]


def record(
    cib: Cib, filters: Sequence[str] = (), *, obscure: Sequence[str] | None = None
) -> Configuration:
    """The record of ``lang.show`` with the same filters."""
    from crmsh_py.lang import listing

    shown = listing.objects(cib)
    if filters:
        shown = listing.select(cib, shown, filters)
    hidden = listing.SECRETS if obscure is None else tuple(obscure)
    objects = tuple(
        Object(kind=one.kind, id=one.name, text="\n".join(listing.texts(cib, [one], hidden)))
        for one in shown
    )
    return Configuration(version=str(cib.version), schema=cib.schema, objects=objects)
