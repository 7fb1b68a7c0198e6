"""Where the way back from an imported lab leads: a file that is there, or a host."""

from __future__ import annotations

from pathlib import Path

import pytest
from shell.person import Person

from crmsh_py.cib.document import Cib
from crmsh_py.clusters.file import FileCluster
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.errors import ClusterUnreachable
from crmsh_py.shell import lab_import


class Unreachable(FileCluster):
    """A host that does not answer."""

    def read_cib(self) -> Cib:
        """Nobody is there."""
        raise ClusterUnreachable("saved.xml does not answer", hint="ssh saved.xml")


def test_a_file_that_is_there_is_meant_before_a_host_of_that_name(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(person.directory)
    found = lab_import._target(person.session, person.file.name)
    assert found.kind is ClusterKind.FILE


def test_who_misspells_a_file_is_told_that_it_was_taken_for_a_host(tmp_path: Path) -> None:
    nobody = Unreachable(str(tmp_path / "saved.xml"))
    with pytest.raises(ClusterUnreachable) as error:
        lab_import._read(nobody, "saved.xml")
    assert error.value.hint == (
        "ssh saved.xml\n  there is no file saved.xml here: it was taken for the name of a host"
    )
