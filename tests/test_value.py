"""Values behave as frozen dataclasses with slots do."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TypeVar

import pytest

from crmsh_py.lang import ast
from crmsh_py.value import Value, field, field_names, frozen, has_fields, mutable, replace


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


@frozen(kw_only=True)
class Named:
    """Made with names only; what it has grown is its own."""

    name: str
    parts: list[str] = field(default_factory=list)
    seen: dict[str, int] = field(init=False, default_factory=dict, compare=False, repr=False)


@frozen
class Grown(Point):
    """A value with one field more."""

    more: int = 0


@mutable
class Counter:
    """A record."""

    count: int = 0
    doubled: int = field(init=False)

    def __post_init__(self) -> None:
        self.doubled = 2 * self.count


@pytest.mark.parametrize("times", [1, 10])  # the first ones are made without a compilation
def test_fields_may_be_given_by_name_only_and_have_defaults_of_their_own(times: int) -> None:
    for _ in range(times):
        one, other = Named(name="a"), Named(name="a")
        one.seen["x"] = 1
        assert one == other
        assert one.parts == []
        assert one.parts is not other.parts
        assert repr(one) == "Named(name='a', parts=[])"
        assert copy.deepcopy(one).seen == {"x": 1}
        assert replace(one, name="b").seen == {}
        with pytest.raises(TypeError):
            Named("a")  # type: ignore[misc]
        with pytest.raises(TypeError):
            Named(name="a", seen={})  # type: ignore[call-arg]
        with pytest.raises(TypeError):
            Named()  # type: ignore[call-arg]


def test_what_inherits_has_all_fields_and_compares_them() -> None:
    for _ in range(10):
        assert Grown(1, "a", 2) == Grown(1, name="a", more=2)
        assert Grown(1, "a", 2) != Grown(1, "a", 3)
        assert Grown(1) != Point(1)
        assert len({Grown(1), Grown(1, more=1), Grown(1)}) == 2
    assert field_names(Grown) == ("x", "name", "more")
    assert has_fields(Grown)
    assert has_fields(Grown(1))
    assert not has_fields(1)


def test_a_record_can_be_changed_and_has_no_hash() -> None:
    for number in range(10):
        one = Counter(number)
        assert one.doubled == 2 * number
        one.count = -1
        assert one != Counter(number)
        assert repr(one) == f"Counter(count=-1, doubled={2 * number})"
    with pytest.raises(TypeError):
        hash(one)
    with pytest.raises(AttributeError):
        one.more = 1  # type: ignore[attr-defined]


def test_a_value_matches_by_position() -> None:
    match ast.Member("r", "Promoted"):
        case ast.Member(resource, suffix):
            assert (resource, suffix) == ("r", "Promoted")
        case _:
            pytest.fail("no match")
