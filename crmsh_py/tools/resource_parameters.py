"""What crm_resource does with single parameters, meta attributes and utilization of a resource."""

from __future__ import annotations

from argparse import Namespace

from crmsh_py.errors import NotFound
from crmsh_py.tools import edits
from crmsh_py.tools.common import ToolUsageError, commit, put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.cib.element import Element
    from crmsh_py.clusters.port import Cluster

_META = "meta_attributes"
_CLONES = ("clone", "master")


def value_of(cluster: Cluster, arguments: Namespace) -> str:
    """The value of the parameter that is asked for, as the cluster takes it. Raises NotFound.

    What a resource does not say itself its template may say. A meta attribute is that of the group
    or clone around it, or the default of all resources, where it has none of its own.
    """
    from crmsh_py.tools.resource_values import values

    name, resource = arguments.get_parameter, arguments.resource
    value = values(cluster.read_cib(), resource, _set_tag(arguments)).get(name)
    if value is None:
        raise NotFound(f"Attribute '{name}' not found for '{resource}'")
    return value


def set_one(cluster: Cluster, arguments: Namespace, *, client: str) -> None:
    """Set a parameter. Raises NotFound for the resource.

    With --recursive a meta attribute is set for what must or would run with it, too.
    """
    if arguments.value is None:
        raise ToolUsageError("a value is needed", hint="give it with --parameter-value")
    names = [arguments.resource]
    if arguments.recursive and arguments.meta:
        from crmsh_py.tools.resource_values import dependents

        names += dependents(cluster.read_cib(), arguments.resource)
    for name in names:
        one = Namespace(**{**vars(arguments), "resource": name})
        _change(cluster, one, one.set_parameter, one.value, client)


def delete_one(cluster: Cluster, arguments: Namespace, *, client: str) -> None:
    """Remove a parameter; content when there is none. Raises NotFound for the resource."""
    _change(cluster, arguments, arguments.delete_parameter, None, client)


def _set_tag(arguments: Namespace) -> str:
    if arguments.meta:
        return _META
    return "utilization" if arguments.utilization else "instance_attributes"


def _change(
    cluster: Cluster, arguments: Namespace, name: str, value: str | None, client: str
) -> None:
    tag, cib = _set_tag(arguments), cluster.read_cib()
    which = edits.Which(arguments.set_name or "", arguments.nvpair or "")
    resource = edits.configured_name(cib, arguments.resource)
    if tag == _META and not arguments.force:
        resource, remark = _holder(cib, resource, name, "delete" if value is None else "update")
        put("" if arguments.quiet else remark)
    before = edits.only_pair(edits.find_resource(cib, resource), tag, name, which)

    def change(owner: Element) -> Element:
        edits.only_pair(owner, tag, name, which)  # somebody else may have set another one meanwhile
        return edits.with_pair(owner, tag, f"{resource}-{tag}", name, value, which=which)

    commit(cluster, lambda cib: edits.with_resource(cib, resource, change), client=client)
    if arguments.quiet:
        return
    after = edits.pair_in(edits.find_resource(cluster.read_cib(), resource), tag, name, which)
    if value is None:
        if before and before.is_changed(which):
            part = f"id={before.id}{_set_named(arguments)} name={name}"
            put(f"Deleted '{resource}' option: {part}\n")
    elif after:
        put(
            f"Set '{resource}' option: id={after.id} set={after.set_id} name={name} value={value}\n"
        )


def _set_named(arguments: Namespace) -> str:
    return f" set={arguments.set_name}" if arguments.set_name else ""


def _holder(cib: Cib, resource: str, name: str, what: str) -> tuple[str, str]:
    """Whose meta attribute it shall be, and a remark where that is somebody else's.

    What is cloned shares those of its clone, unless it has one of that name itself.
    """
    found = edits.find_resource(cib, resource)
    if edits.pair_in(found, _META, name) is not None:
        return resource, ""
    if found.tag in _CLONES:
        for child in found.findall("primitive") + found.findall("group"):
            if edits.pair_in(child, _META, name) is not None:
                return child.id, (
                    f"A value for '{name}' already exists in child '{child.id}', performing {what}"
                    f" on that instead of '{resource}'\n"
                )
    for tag in _CLONES:
        for clone in cib.section("resources").iter(tag):
            if found in clone.children:
                return clone.id, (
                    f"Performing {what} of '{name}' on '{clone.id}', the parent of '{resource}'\n"
                )
    return resource, ""
