"""Values that must look like something: scores, times, booleans, roles, rules; names of options."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from crmsh_py.cib import options, rules
from crmsh_py.cib.booleans import parse_boolean
from crmsh_py.cib.check_attributes import repeated_names, switches
from crmsh_py.cib.check_references import CONSTRAINTS, RESOURCES, objects
from crmsh_py.cib.check_rules import odd_rules
from crmsh_py.cib.document import Cib
from crmsh_py.cib.durations import lenient_ms
from crmsh_py.cib.element import Element
from crmsh_py.cib.findings import Finding, error, warning
from crmsh_py.cib.options import Kind, Option
from crmsh_py.cib.scores import is_score
from crmsh_py.cib.upgrade import knows_promoted
from crmsh_py.errors import did_you_mean
from crmsh_py.regex import regex
from crmsh_py.value import replace as altered

_ROLES = frozenset({"started", "stopped", "master", "slave", "promoted", "unpromoted"})
_ROLE_ATTRIBUTES = ("role", "rsc-role", "with-rsc-role")
_OLD_ROLES = {"Promoted": "Master", "Unpromoted": "Slave"}
_ACTIONS = frozenset({"start", "stop", "promote", "demote"})
_KINDS = ("Mandatory", "Optional", "Serialize")
_LOSS_POLICIES = ("stop", "demote", "fence", "freeze")
_WHOLE = regex(r"\s*[+-]?[0-9]+")
_BOOLEANS = ("symmetrical", "require-all", "sequential", "influence")


def check_values(cib: Cib, only: Collection[str] | None) -> Iterator[Finding]:
    """Wrong values are errors, unknown names warnings: who knows what is invented tomorrow."""
    for name, element in objects(cib):
        if only is not None and name not in only:
            continue
        if element.tag != "node":
            yield from _object(name, element, cib)
            continue
        for finding in (*_object(name, element, cib), *switches(element)):
            yield altered(finding, called=element.get("uname"))  # its id is a number
    yield from _defaults(cib, only)


def _object(name: str, element: Element, cib: Cib) -> Iterator[Finding]:
    if element.tag == "cluster_property_set":
        yield from _pairs(name, element, options.CLUSTER_OPTIONS, "property")
    elif element.tag in RESOURCES:
        yield from _resource(name, element)
    elif element.tag in CONSTRAINTS:
        yield from _constraint(name, element)
    yield from _capacities(name, element)
    yield from _scores_and_rules(name, element, cib)
    yield from _of_other_schemas(name, element, cib.schema)
    yield from repeated_names(name, element)


def check_schema(cib: Cib) -> Iterator[Finding]:
    """What the document has and its schema has not: asked where the schema changes.

    Names of roles count here alone: what is changed later is written in the schema's words.
    """
    for name, element in objects(cib):
        yield from _of_other_schemas(name, element, cib.schema)
        if not knows_promoted(cib):
            for inner in element.iter():
                roles = [inner.get(attribute) for attribute in _ROLE_ATTRIBUTES]
                if role := next((r for r in roles if r in ("Promoted", "Unpromoted")), ""):
                    hint = f"that is pacemaker-3.7’s; before, it was {_OLD_ROLES[role]}"
                    yield error(name, f"the schema {cib.schema} has no role {role}", hint=hint)
                    break


def _of_other_schemas(name: str, element: Element, schema: str) -> Iterator[Finding]:
    """What the document's schema has no more, or not yet; our grammar takes what any of them has.

    Source: the schemas of Pacemaker (acls-*.rng, constraints-*.rng).
    """
    version = schema.removeprefix("pacemaker-").partition(".")[0]
    if not version.isdecimal():
        return
    if element.tag == "acl_user" and int(version) >= 2:
        yield error(
            name,
            f"the schema {schema} has no users",
            hint=f"give roles to them instead: acl_target {name} ROLE",
        )
    elif element.tag in ("acl_target", "acl_group") and int(version) < 2:
        yield error(
            name, f"the schema {schema} has no {element.tag}", hint="upgrade force, or: user"
        )
    elif "score-attribute" in element.attrs and int(version) >= 3:  # rules are inside
        yield error(
            name,
            f"since schema 3.0 no attribute can stand for the score ({schema})",
            hint="write a score: colocation ID SCORE: …",
            word=element.get("score-attribute"),
        )


def _defaults(cib: Cib, only: Collection[str] | None) -> Iterator[Finding]:
    tables = {"rsc_defaults": options.CLONE_META, "op_defaults": options.OPERATION}
    for section, table in tables.items():
        for attribute_set in cib.section(section).findall("meta_attributes"):
            if only is None or attribute_set.id in only:
                yield from _pairs(attribute_set.id, attribute_set, table, "option")


def _pairs(
    owner: str, attribute_set: Element, table: Mapping[str, Option], what: str
) -> Iterator[Finding]:
    for pair in attribute_set.findall("nvpair"):
        name, value = pair.get("name"), pair.attrs.get("value")
        option = options.find(table, name) if name else None
        if not name:
            continue
        if option is None:
            yield warning(
                owner,
                f"there is no {what} {name}: it is stored, but means nothing to the cluster",
                hint=did_you_mean(name, options.names(table)),
                word=name,
            )
        elif value is not None and (problem := option.problem(value)):
            yield error(owner, f"{name}: {problem}", word=value)


def _resource(name: str, element: Element) -> Iterator[Finding]:
    if element.tag == "group":
        table = options.GROUP_META
    elif element.tag in ("clone", "master", "bundle"):
        table = options.CLONE_META
    else:
        table = options.RESOURCE_META
    for attribute_set in element.findall("meta_attributes"):
        yield from _pairs(name, attribute_set, table, "meta attribute")
    if element.tag in ("group", "clone", "master"):
        yield from _bare_words(name, element)
    for operations in element.findall("operations"):
        seen: set[tuple[str, int]] = set()
        for op in operations.findall("op"):
            yield from _operation(name, op)
            yield from _repeated(name, op, seen)


def _bare_words(owner: str, container: Element) -> Iterator[Finding]:
    """A word without a value behind the members is a parameter, where a member was meant."""
    for pair in (p for s in container.findall("instance_attributes") for p in s.findall("nvpair")):
        word = pair.get("name")
        if word and "value" not in pair.attrs:
            yield warning(
                owner,
                f"“{word}” counts as a parameter without a value, not as a resource in it",
                hint="a clone holds one resource: a group where it is to be several"
                if container.tag != "group"
                else f"set {owner}.{word} VALUE, or configure edit {owner}",
                word=word,
            )


def _operation(owner: str, op: Element) -> Iterator[Finding]:
    called = f"op {op.get('name')}"
    for name, value in op.attrs.items():
        option = options.OPERATION.get(name)
        if option is not None and (problem := option.problem(value)):
            yield error(owner, f"{called}: {name}: {problem}", word=value)
        elif option is not None and option.kind is Kind.DURATION and value.startswith("-"):
            message = f"{called}: {name}: “{value}” is less than nothing, and does not count"
            yield warning(owner, message, word=value)
    for attribute_set in op.findall("meta_attributes"):
        yield from _pairs(owner, attribute_set, options.OPERATION, "option of an operation")
    interval = lenient_ms(op.get("interval", "0"), None)
    once = op.get("name") in ("start", "stop", "promote", "demote", "migrate_to", "migrate_from")
    if once and interval:
        yield warning(
            owner,
            f"{called} is not repeated: its interval should be 0",
            word=op.get("interval"),
        )
    if op.get("name") == "monitor" and interval == 0 and op.get("role").lower() != "stopped":
        yield warning(
            owner, "a monitor operation with the interval 0 is never repeated", word="monitor"
        )


def _repeated(owner: str, op: Element, seen: set[tuple[str, int]]) -> Iterator[Finding]:
    """Two recurring operations of a name must differ in their interval: it is in their key."""
    interval = lenient_ms(op.get("interval", "0"), None)
    if interval is None:
        return
    key = (op.get("name"), interval)
    if key in seen:
        yield warning(
            owner,
            f"it has two {op.get('name')} operations with the interval {op.get('interval')}",
            hint="let the intervals differ, be it by a second" if interval else "take one out",
            word=op.get("name"),
        )
    seen.add(key)


def _constraint(name: str, element: Element) -> Iterator[Finding]:
    for part in (element, *element.findall("resource_set")):
        for attribute in ("role", "rsc-role", "with-rsc-role"):
            role = part.get(attribute)
            if role and role.lower() not in _ROLES:
                yield error(
                    name,
                    f"“{role}” is no role of a resource",
                    hint=did_you_mean(role, ("Started", "Stopped", "Promoted", "Unpromoted")),
                    word=role,
                )
        for attribute in ("first-action", "then-action", "action"):
            action = part.get(attribute)
            if action and action not in _ACTIONS:
                yield error(
                    name,
                    f"“{action}” is no action that can be ordered",
                    hint=did_you_mean(action, _ACTIONS) or f"one of {', '.join(sorted(_ACTIONS))}",
                    word=action,
                )
        for attribute in _BOOLEANS:
            value = part.attrs.get(attribute)
            if value is not None and parse_boolean(value) is None:
                yield error(name, f"{attribute}: “{value}” is not true or false", word=value)
    yield from _misspelled_score(name, element)
    yield from _one_of(name, element, "kind", _KINDS if element.tag == "rsc_order" else ())
    yield from _one_of(name, element, "loss-policy", _LOSS_POLICIES)


def _one_of(
    owner: str, element: Element, attribute: str, values: tuple[str, ...]
) -> Iterator[Finding]:
    value = element.get(attribute)
    if value and values and value not in values:
        yield error(
            owner,
            f"{attribute}: “{value}” is not one of {', '.join(values)}",
            hint=did_you_mean(value, values),
            word=value,
        )


def _misspelled_score(owner: str, element: Element) -> Iterator[Finding]:
    """The language takes a word that is no score for the name of an attribute that holds one."""
    word = element.get("score-attribute")
    near = did_you_mean(word.lstrip("+-"), ("INFINITY",))
    if word and (near or word[0] in "+-0123456789."):
        yield error(
            owner,
            f"“{word}” is not a score",
            hint=near or "a score is a whole number, INFINITY (inf) or -INFINITY (-inf)",
            word=word,
        )


def _capacities(owner: str, element: Element) -> Iterator[Finding]:
    """What a node has and a resource takes is counted: what is no number counts as 0, and of 3.5
    the 3 counts.
    """
    for pair in (p for s in element.findall("utilization") for p in s.findall("nvpair")):
        name, value = pair.get("name"), pair.attrs.get("value")
        if value is None or _WHOLE.fullmatch(value):
            continue
        found = _WHOLE.match(value)
        report = error if found is None else warning
        counts = "" if found is None else f": {found[0].strip()} counts"
        yield report(
            owner, f"utilization {name}: “{value}” is not a whole number{counts}", word=value
        )


def _scores_and_rules(owner: str, element: Element, cib: Cib) -> Iterator[Finding]:
    for inner in element.iter():
        score = inner.attrs.get("score")
        if score is not None and not is_score(score):
            yield error(
                owner,
                f"“{score}” is not a score",
                hint="a score is a whole number, INFINITY (inf) or -INFINITY (-inf)",
                word=score,
            )
        if inner.tag != "rule":
            continue
        if problem := rules.find_problem(inner):
            word = problem.partition("“")[2].partition("”")[0]
            yield error(owner, f"its rule {inner.id or inner.get('id-ref')}: {problem}", word=word)
        else:
            yield from odd_rules(owner, inner, cib)
