"""A rule of the CIB in one line for people, much as the configure language writes it."""

from __future__ import annotations

from crmsh_py.cib.element import Element


def words_of_rule(rule: Element) -> str:
    """What has to be so; rules inside of it stand in brackets."""
    found = []
    for child in rule.children:
        if child.tag == "rule":
            inner = words_of_rule(child)
            found.append(f"({inner})" if len(child.children) > 1 else inner)
        elif child.tag == "date_expression":
            found.append(_date(child))
        elif child.tag == "expression":
            found.append(_comparison(child))
        elif child.tag in ("rsc_expression", "op_expression"):
            about = " ".join(value for name, value in child.attrs.items() if name != "id")
            found.append(f"{child.tag.partition('_')[0]} {about}")
    joint = f" {rule.get('boolean-op', 'and').lower()} "
    return joint.join(found) or "nothing is said"


def _comparison(element: Element) -> str:
    attribute, operation = element.get("attribute"), element.get("operation")
    if operation in ("defined", "not_defined"):
        return f"{operation} {attribute}"
    value, source = element.get("value"), element.get("value-source")
    kind = f"{element.get('type')}:" if element.get("type") else ""
    value = f"{source}{{{value}}}" if source not in ("", "literal") else value
    return f"{attribute} {kind}{operation} {value}"


def _date(element: Element) -> str:
    operation = element.get("operation", "in_range")
    if operation == "date_spec":
        return " ".join(["date spec", *_fields(element)])
    start, end = element.get("start"), element.get("end")
    if operation in ("lt", "gt"):
        return f"date {operation} {end if operation == 'lt' else start}"
    edges = [f"{name}={value}" for name, value in (("start", start), ("end", end)) if value]
    return " ".join(["date in", *edges, *_fields(element)])


def _fields(element: Element) -> list[str]:
    """The fields of a date_spec or a duration inside."""
    return [
        f"{name}={value}"
        for child in element.findall("date_spec", "duration")
        for name, value in child.attrs.items()
        if name != "id"
    ]
