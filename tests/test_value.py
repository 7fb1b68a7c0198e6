"""Values behave as frozen dataclasses with slots do."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TypeVar

import pytest

from crmsh_py.lang import ast
from crmsh_py.value import Value, frozen, replace


@frozen
class Point(Value):
    """A value."""

    x: int
    name: str = ""

    @property
    def double(self) -> int:
        return 2 * self.x


@frozen
class Other(Value):
    """A value with the same fields."""

    x: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """What a value should be like."""

    x: int
    name: str = ""


KINDS = (Point, Reference)
_T = TypeVar("_T", Point, Reference)


@pytest.mark.parametrize("kind", KINDS)
def test_fields_come_by_position_or_name_and_have_defaults(kind: type[_T]) -> None:
    assert kind(1) == kind(x=1, name="")
    assert kind(1, "a") != kind(1)
    assert hash(kind(1, "a")) == hash(kind(1, "a"))
    assert repr(kind(1, "a")) == f"{kind.__name__}(x=1, name='a')"
    assert kind.__match_args__ == ("x", "name")
    with pytest.raises(TypeError):
        kind()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        kind(1, y=2)  # type: ignore[call-arg]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_can_be_changed(kind: type[_T]) -> None:
    one = kind(1)
    with pytest.raises(AttributeError):
        one.x = 2  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        one.more = 2  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        del one.x
    assert not hasattr(one, "__dict__")


def test_different_kinds_are_never_equal() -> None:
    assert Point(1) != Other(1)
    assert Point(1) != 1
    assert len({Point(1), Other(1), Point(1)}) == 2


def test_a_copy_can_have_other_fields() -> None:
    assert replace(Point(1, "a"), x=2) == Point(2, "a")
    assert copy.deepcopy(Point(1, "a")) == Point(1, "a")
    assert Point(3).double == 6
    with pytest.raises(AssertionError):
        replace(Point(1), y=2)


def test_a_value_matches_by_position() -> None:
    match ast.Member("r", "Promoted"):
        case ast.Member(resource, suffix):
            assert (resource, suffix) == ("r", "Promoted")
        case _:
            pytest.fail("no match")
