"""What the replica lets in: nothing that could not be told to a node that joins."""

from __future__ import annotations

import pytest

from crmsh_py.cib.diff import diff
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.engine import replica
from crmsh_py.engine.replica import Replica
from crmsh_py.errors import ConfigError


def with_primitive(cib: Cib, name: str, length: int) -> Cib:
    pair = Element("nvpair", {"id": f"{name}-p", "name": "text", "value": "x" * length})
    parameters = Element("instance_attributes", {"id": f"{name}-i"}, (pair,))
    made = Element("primitive", {"id": name, "class": "lsb", "type": "x"}, (parameters,))
    return cib.with_section("resources", cib.section("resources").append(made))


def test_a_configuration_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica, "MOST_BYTES", 100_000)
    monkeypatch.setattr(replica, "_MEASURED_EVERY", 10_000)
    held = Replica(Cib.new(), 1)
    for number in range(12):
        new = with_primitive(held.config, f"r{number}", 9_000)
        patch = diff(held.config, new)
        if number == 10:  # more than fits
            for _ in range(2):
                with pytest.raises(ConfigError, match="are the most"):
                    held.check_size(held.check(patch), len(patch.to_xml()))
            return
        held.check_size(held.check(patch), len(patch.to_xml()))
        held.config = new
        held._grown += len(patch.to_xml())


def test_a_change_that_no_message_could_carry_is_refused_at_once() -> None:
    held = Replica(Cib.new(), 1)
    with pytest.raises(ConfigError, match="this change has 40 MiB"):
        held.check_size(held.config, 40 * 1024 * 1024)
