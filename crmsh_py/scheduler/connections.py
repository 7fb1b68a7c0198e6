"""The connection with a remote node or guest, as the primitive that stands for it.

A remote node's is configured; guests and bundles imply one that nobody wrote (Pacemaker Remote,
"Guest Nodes").
"""

from __future__ import annotations

from crmsh_py.cib.element import Element


def _pair(parent_id: str, name: str, value: str) -> Element:
    return Element("nvpair", {"id": f"{parent_id}-{name}", "name": name, "value": value})


def connection_element(
    name: str,
    *,
    container: str | None = None,
    migratable: str | None = None,
    managed: str | None = None,
    start_timeout: str | None = None,
    server: str | None = None,
    port: str | None = None,
) -> Element:
    """The connection resource that a guest implies."""
    meta_id = f"{name}-meta_attributes"
    meta = {
        "internal_rsc": "true",
        "container": container,
        "allow-migrate": migratable,
        "is-managed": managed,
    }
    parameters = {"addr": server, "port": port}
    children = [
        Element(
            "meta_attributes",
            {"id": meta_id},
            tuple(_pair(meta_id, key, value) for key, value in meta.items() if value),
        )
    ]
    if server or port:
        set_id = f"{name}-instance_attributes"
        children.append(
            Element(
                "instance_attributes",
                {"id": set_id},
                tuple(_pair(set_id, key, value) for key, value in parameters.items() if value),
            )
        )
    operations = [
        Element(
            "op",
            {"id": f"{name}-monitor-30s", "interval": "30s", "name": "monitor", "timeout": "30s"},
        )
    ]
    if start_timeout:
        operations.append(
            Element(
                "op",
                {
                    "id": f"{name}-start-0",
                    "interval": "0",
                    "name": "start",
                    "timeout": start_timeout,
                },
            )
        )
    children.append(Element("operations", {}, tuple(operations)))
    attrs = {"id": name, "class": "ocf", "provider": "pacemaker", "type": "remote"}
    return Element("primitive", attrs, tuple(children))
