"""What cibadmin does to a configuration, as pure functions.

Input: a ``Cib``, a scope (a section's name, '' for wherever the element belongs) and an element;
output: a changed ``Cib``. The rules are Pacemaker's: an element is found by tag and id, or by its
tag where it has none; *modify* merges attributes and children into it, *replace* puts the new one
in its place, *create* refuses what exists, *delete* is content when it is gone already. A whole
``<cib>`` that is older than the one that is there replaces nothing.
"""

from __future__ import annotations

from crmsh_py.cib import tickets
from crmsh_py.cib.document import SECTIONS, Cib
from crmsh_py.cib.element import COMMENT, Element
from crmsh_py.cib.version import Version
from crmsh_py.errors import ConfigError, CrmError, NotFound
from crmsh_py.tools.common import ExistsError

# Which section an element belongs to, where none is named.
_HOME = {
    **dict.fromkeys(("primitive", "group", "clone", "master", "bundle", "template"), "resources"),
    **dict.fromkeys(("rsc_location", "rsc_colocation", "rsc_order", "rsc_ticket"), "constraints"),
    "node": "nodes",
    "cluster_property_set": "crm_config",
    "tag": "tags",
    "alert": "alerts",
    "fencing-level": "fencing-topology",
    "acl_role": "acls",
    "acl_target": "acls",
    "acl_group": "acls",
    "node_state": "status",
    tickets.STATE: tickets.TICKETS,
}
_NO_CONFIGURATION = ("status", tickets.TICKETS)
_ALWAYS = ("crm_config", "nodes", "resources", "constraints")


class OutdatedError(CrmError):
    """What shall replace a configuration is older than that."""

    exit_code = 103


def create(cib: Cib, scope: str, element: Element) -> Cib:
    """Add an element. Raises ExistsError when one with its id is there.

    Of a whole document what is there already is merged, as with ``modify``.
    """
    if element.tag in ("cib", "configuration"):
        return modify(cib, scope, element)
    if element.id and cib.find_id(element.id) is not None:
        raise ExistsError(f"an element with the id '{element.id}' exists already")
    section = _section(cib, scope, element, new=True)
    if element.tag == section.tag:
        known = {child.id for child in section.findall() if child.id}
        for child in element.findall():
            if child.id in known:
                raise ExistsError(f"an element with the id '{child.id}' exists already")
        return _put(cib, section.tag, section.append(*element.children))
    return _put(cib, section.tag, section.append(element))


def modify(cib: Cib, scope: str, element: Element) -> Cib:
    """Merge an element into the one that exists, the whole CIB too.

    Raises NotFound; OutdatedError for a ``<cib>`` that says that it is of an older version.
    """
    if element.tag == "cib":
        return _modified_whole(cib, element)
    return _at(cib, scope, element, _merged)


def modify_or_create(cib: Cib, scope: str, element: Element) -> Cib:
    """Merge an element into the one that exists, or add it."""
    try:
        return modify(cib, scope, element)
    except NotFound:
        return create(cib, scope, element)


def replace(cib: Cib, scope: str, element: Element) -> Cib:
    """Put an element in the place of the one that exists, the whole CIB too.

    Raises NotFound; OutdatedError for a ``<cib>`` of an older version than the one that is there:
    somebody has changed something since it was read, and it knows nothing of that.
    """
    if element.tag == "cib":
        new = Cib(element)
        Cib.parse(new.to_xml())  # it must be a document that can be read again
        if element.find("configuration") is None:
            raise ConfigError("this <cib> has no <configuration>: that would remove everything")
        _refuse_older(cib, new.version)
        kept = Version(new.version.admin_epoch, cib.version.epoch, cib.version.num_updates)
        return new.with_status(cib.status).with_version(kept)
    return _at(cib, scope, element, lambda _old, new: new)


def _refuse_older(cib: Cib, version: Version) -> None:
    if version < cib.version:
        raise OutdatedError(
            f"this <cib> is of version {version}, and the configuration of {cib.version} already",
            hint="read it again and change that, or raise admin_epoch to lose what came since",
        )


def _modified_whole(cib: Cib, element: Element) -> Cib:
    """The document with the sections of another merged into its own.

    Of the attributes of ``<cib>`` the schema and ``admin_epoch`` are for people to say; the others
    the cluster writes. Of the version only what is given is compared.
    """
    given = Cib(cib.root.with_attributes(_summed(cib.root, element))).version
    _refuse_older(cib, given)
    schema = element.get("validate-with")
    new = cib.with_attributes({"validate-with": schema}) if schema else cib
    for part in element.findall():
        if part.tag not in ("configuration", "status"):
            raise ConfigError(f"a <cib> cannot hold <{part.tag}>")
        new = new.with_section(part.tag, _merged(new.section(part.tag), part))
    epoch = cib.version.epoch + (given.epoch > cib.version.epoch)
    return new.with_version(Version(given.admin_epoch, epoch, cib.version.num_updates))


def delete(cib: Cib, scope: str, element: Element) -> Cib:
    """Remove the element with this tag and all these attributes; nothing where there is none.

    A section around elements stands for these where it is the scope itself; else it is meant.
    Raises CrmError where it has no id, and several are meant; ConfigError for a section that every
    configuration has.
    """
    section = _section(cib, scope, element)
    if element.tag == section.tag:
        if not scope:
            return _without_section(cib, section, element)
        for child in element.findall():
            cib = delete(cib, scope, child)
        return cib
    wanted = element.attrs.items()
    fitting = [
        each
        for each in section.iter(element.tag)
        if each is not section and all(each.get(name) == value for name, value in wanted)
    ]
    if not fitting:
        return cib
    if len(fitting) > 1 and not element.id:
        raise CrmError(
            f"{len(fitting)} elements are such a <{element.tag}>", hint="name the id of one"
        )
    return _put(cib, section.tag, _without(section, fitting[0]))


def _without_section(cib: Cib, section: Element, wanted: Element) -> Cib:
    if any(section.get(name) != value for name, value in wanted.attrs.items()):
        return cib
    if section.tag == "status":
        return cib.with_status(Element("status"))
    if section.tag == tickets.TICKETS:
        return _put(cib, section.tag, Element(section.tag))
    if section.tag in (*_ALWAYS, "configuration"):
        raise ConfigError(
            f"every configuration has <{section.tag}>: it cannot be deleted",
            hint=f"say --scope {section.tag} to delete only what is named inside",
        )
    return cib.with_section("configuration", _without(cib.configuration, section))


def delete_xpath(cib: Cib, path: str, *, every: bool = False) -> Cib:
    """Remove the first element that the path names, or ``every`` one."""
    from crmsh_py.tools.xpath import select

    targets = select(cib.root, path) if every else select(cib.root, path)[:1]
    if any(target is cib.root or target is cib.configuration for target in targets):
        raise CrmError("the configuration itself cannot be deleted")
    if not targets:
        return cib
    gone = {id(target) for target in targets}
    return cib.with_root(_without_all(cib.root, gone))


def change_xpath(cib: Cib, path: str, command: str, element: Element) -> Cib:
    """Put an element in the place of the first one that the path names (``replace``), merge it into
    that (``modify``), or add it below that (``create``).

    Raises NotFound where nothing is named so; ExistsError, CrmError for what cannot be.
    """
    from crmsh_py.tools.xpath import select

    target = next(iter(select(cib.root, path)), None)
    if target is None:
        raise NotFound(f"nothing is at {path}")
    if command == "create":
        if element.id and cib.find_id(element.id) is not None:
            raise ExistsError(f"an element with the id '{element.id}' exists already")
        new = target.append(element)
    elif element.tag != target.tag:
        raise CrmError(f"at {path} is a <{target.tag}>, and no <{element.tag}>")
    else:
        new = _merged(target, element) if command == "modify" else element
    if target is cib.root:
        raise CrmError("the whole document has no path", hint="leave --xpath out")
    return cib.with_root(_with(cib.root, target, new))


def path_of(root: Element, wanted: Element) -> str:
    """The path of an element, with ids where there are any; '' for one that is elsewhere."""
    step = f"/{root.tag}" + (f"[@id='{root.id}']" if root.id else "")
    if root is wanted:
        return step
    for child in root.findall():
        if rest := path_of(child, wanted):
            return step + rest
    return ""


def bump(cib: Cib) -> Cib:
    """The same configuration under the next version."""
    return cib.with_version(cib.version.next_epoch())


def erase(cib: Cib, *, status: bool = True) -> Cib:
    """A CIB without any configuration, and without ``status`` where that is for us to say.

    A higher admin_epoch has it win over what another node may still have.
    """
    empty = tuple(Element(name) for name in _ALWAYS)
    version, cib = cib.version, cib.with_status(Element("status")) if status else cib
    return cib.with_section("configuration", Element("configuration", {}, empty)).with_version(
        Version(version.admin_epoch + 1, version.epoch, version.num_updates)
    )


def _section(cib: Cib, scope: str, element: Element, *, new: bool = False) -> Element:
    """Where an element is, or belongs if it is ``new``; what has an id is found anywhere."""
    name = scope or (
        element.tag
        if element.tag in (*SECTIONS, "configuration", *_NO_CONFIGURATION)
        else _HOME.get(element.tag, "")
    )
    if name == "cib" or element.tag == "cib":
        return cib.configuration
    if not name and element.id and not new:
        return cib.root
    if not name:
        raise NotFound(f"it is not clear where <{element.tag}> belongs", hint="say it with --scope")
    if name == tickets.TICKETS:
        return tickets.section_of(cib.status)
    if name not in (*SECTIONS, "configuration", "status"):
        possibilities = (*SECTIONS, *_NO_CONFIGURATION)
        raise NotFound(f"there is no section '{name}'", name=name, possibilities=possibilities)
    return cib.section(name)


def _put(cib: Cib, name: str, section: Element) -> Cib:
    if name == tickets.TICKETS:
        return cib.with_status(tickets.with_section(cib.status, section))
    return cib.with_section(name, section)


def _at(cib: Cib, scope: str, element: Element, change: object) -> Cib:
    assert callable(change)
    section = _section(cib, scope, element)
    target = section if element.tag == section.tag else _find(section, element)
    if target is None:
        raise NotFound(
            f"there is no <{element.tag}>" + (f" with the id '{element.id}'" if element.id else "")
        )
    new = change(target, element)
    if target is section:
        return _put(cib, section.tag, new)
    return _put(cib, section.tag, _with(section, target, new))


def _find(parent: Element, wanted: Element) -> Element | None:
    for element in parent.iter(wanted.tag):
        if not wanted.id or element.id == wanted.id:
            return element
    return None


def _merged(old: Element, new: Element) -> Element:
    """The old element with the new one's attributes and children merged into it."""
    result = old.with_attributes(_summed(old, new))
    children = list(result.children)
    for child in new.children:
        if child.tag == COMMENT:
            continue
        for position, present in enumerate(children):
            if present.tag == child.tag and (not child.id or present.id == child.id):
                children[position] = _merged(present, child)
                break
        else:
            children.append(child)
    return result.with_children(tuple(children))


def _summed(old: Element, new: Element) -> dict[str, str | None]:
    """The attributes of a change; ``score++`` and ``score+=5`` stand for sums with the old ones."""
    return {name: _sum(name, value, old.get(name)) for name, value in new.attrs.items()}


def _sum(name: str, value: str, before: str) -> str:
    from crmsh_py.tools.counting import counted

    rest = value.removeprefix(name)
    if rest == value or not (rest == "++" or rest.startswith("+=")):
        return value
    return counted(f"value{rest}", before)


def _without(parent: Element, target: Element) -> Element:
    return parent.map_children(lambda c: None if c is target else _without(c, target))


def _without_all(parent: Element, gone: set[int]) -> Element:
    return parent.map_children(lambda c: None if id(c) in gone else _without_all(c, gone))


def _with(parent: Element, target: Element, new: Element) -> Element:
    return parent.map_children(lambda c: new if c is target else _with(c, target, new))
