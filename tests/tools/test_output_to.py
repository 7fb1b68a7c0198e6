"""--output-to: where the answers of tools go."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from tools.fakes import FakeCluster

from crmsh_py.tools import (
    attrd_updater,
    crm_attribute,
    crm_resource,
    crm_simulate,
    crm_ticket,
    crm_verify,
    stonith_admin,
)

Capture = pytest.CaptureFixture[str]


def run(cluster: FakeCluster, *words: str) -> int:
    return crm_resource.main(words, door=cluster)


@pytest.mark.parametrize("form", ["text", "xml"])
def test_an_answer_may_go_to_a_file(
    cluster: FakeCluster, form: str, tmp_path: Path, capsys: Capture
) -> None:
    file = tmp_path / "answer"
    words = ("-r", "ClusterIP", "-g", "ip", "--output-as", form)
    assert run(cluster, *words, "--output-to", str(file)) == 0
    assert run(cluster, *words, "--output-to=-") == 0
    there = capsys.readouterr().out
    assert "192.168.100.100" in there
    assert file.read_text(encoding="utf-8").splitlines()[2:] == there.splitlines()[2:]
    assert run(cluster, *words, "--output-to", str(tmp_path)) == 1
    assert f"{tmp_path} cannot be written" in "".join(capsys.readouterr())
    assert run(cluster, "-r", "no", "-g", "ip", "--output-as=xml", "--output-to", str(file)) == 105
    assert '<status code="105"' in file.read_text(encoding="utf-8")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("tool", "words"),
    [
        (crm_attribute, ["-n", "stonith-enabled", "-G"]),
        (attrd_updater, ["-n", "pingd", "-Q"]),
        (crm_verify, ["-L", "--output-as=json"]),
        (stonith_admin, ["--list-registered"]),
        (crm_simulate, ["-L"]),
        (crm_ticket, ["--info"]),
    ],
)
def test_all_that_answer_can_write_to_a_file(
    cluster: FakeCluster, tool: ModuleType, words: list[str], tmp_path: Path, capsys: Capture
) -> None:
    file = tmp_path / "answer"
    assert tool.main([*words, "--output-to", str(file)], door=cluster) == 0
    assert capsys.readouterr().out == ""
    assert tool.main(words, door=cluster) == 0
    assert file.read_text(encoding="utf-8") == capsys.readouterr().out
