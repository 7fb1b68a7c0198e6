"""The version of a CIB: three numbers that say which of two documents is newer.

``admin_epoch`` is only ever raised by an administrator, ``epoch`` at every change of the
configuration, ``num_updates`` at every change of the status; a change of one resets those after it.
"""

from __future__ import annotations

from crmsh_py.cib.element import Element
from crmsh_py.errors import ConfigError
from crmsh_py.regex import regex
from crmsh_py.value import Value, frozen

ATTRIBUTES = ("admin_epoch", "epoch", "num_updates")
_NUMBER = regex(r"\s*(\d{1,18})\s*")


@frozen
class Version(Value):
    """``admin_epoch.epoch.num_updates``, ordered like a number of three digits."""

    admin_epoch: int = 0
    epoch: int = 0
    num_updates: int = 0

    def __str__(self) -> str:
        return f"{self.admin_epoch}.{self.epoch}.{self.num_updates}"

    @classmethod
    def from_element(cls, element: Element) -> Version:
        """The version in the attributes of ``<cib>`` (or of a patch's ``<source>``).

        An attribute that is absent counts as 0. Raises ConfigError for one that is no number.
        """
        numbers = []
        for name in ATTRIBUTES:
            text = element.get(name, "0")
            found = _NUMBER.fullmatch(text)
            if not found:
                raise ConfigError(f"{name}=“{text}” of <{element.tag}> is not a number")
            numbers.append(int(found.group(1)))
        return cls(*numbers)

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read ``0.5.1``. Raises ConfigError."""
        parts = text.split(".")
        if len(parts) != 3 or not all(_NUMBER.fullmatch(part) for part in parts):
            raise ConfigError(f"“{text}” is not a version", hint="write it as 0.5.1")
        return cls(*(int(part) for part in parts))

    @property
    def tuple(self) -> tuple[int, int, int]:
        """The three numbers."""
        return (self.admin_epoch, self.epoch, self.num_updates)

    def attributes(self) -> dict[str, str]:
        """The three numbers as attributes of an element."""
        return {name: str(number) for name, number in zip(ATTRIBUTES, self.tuple, strict=True)}

    def next_epoch(self) -> Version:
        """The version after a change of the configuration."""
        return Version(self.admin_epoch, self.epoch + 1, 0)

    def next_update(self) -> Version:
        """The version after a change of the status."""
        return Version(self.admin_epoch, self.epoch, self.num_updates + 1)

    def __lt__(self, other: Version) -> bool:
        return self.tuple < other.tuple

    def __le__(self, other: Version) -> bool:
        return self.tuple <= other.tuple

    def __gt__(self, other: Version) -> bool:
        return self.tuple > other.tuple

    def __ge__(self, other: Version) -> bool:
        return self.tuple >= other.tuple
