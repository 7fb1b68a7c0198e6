"""With --host the level ``corosync`` is about that host's file, whatever the desk itself has."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from clusters.pacemaker_machine import START
from shell.person import Person

from crmsh_py.corosync_conf import editing
from crmsh_py.lab.client import Lab
from crmsh_py.shell.options import Options
from crmsh_py.shell.session import Session

CONF = """\
# of {}
totem {{
    version: 2
    cluster_name: real
    token: {}
}}
nodelist {{
    node {{
        ring0_addr: 10.0.0.1
        name: n1
        nodeid: 1
    }}
    node {{
        ring0_addr: 10.0.0.2
        name: n2
        nodeid: 2
    }}
}}
quorum {{
    provider: corosync_votequorum
}}
"""
# It stands for ssh: a host is a directory, and what is asked of it is done there.
SSH = """\
#!/bin/sh
while [ "$1" != -- ]; do shift; done
[ -d "{hosts}/$2" ] || {{ echo "ssh: connect to host $2: Connection refused" >&2; exit 255; }}
case "$3" in
    *cibadmin*) cat "{hosts}/cib.xml" ;;
    *"crm_node -n"*) echo n1 ;;
    *corosync-*) exit 127 ;;
    *) exec sh -c "$(printf %s "$3" | sed "s#/etc/corosync#{hosts}/$2#g")" ;;
esac
"""
KEPT = CONF.format("the desk", 1111)


class Desk(Person):
    """A person at a machine that has files of its own, and reaches hosts by ssh."""

    def __init__(self, directory: Path, **environ: str) -> None:
        options = Options() if "CRM_HOST" in environ else Options(host="root@n1")
        super().__init__(directory, options=options)
        self.hosts = directory / "hosts"
        for host, token in (("root@n1", 3000), ("root@n2", 5000)):
            (self.hosts / host).mkdir(parents=True)
            (self.hosts / host / "corosync.conf").write_text(CONF.format(host, token))
        (self.hosts / "cib.xml").write_text(START)
        ssh = directory / "bin" / "ssh"
        ssh.parent.mkdir()
        ssh.write_text(SSH.format(hosts=self.hosts))
        ssh.chmod(0o755)
        self.own = directory / "own.conf"
        self.own.write_text(KEPT)
        environ = {
            "HOME": str(directory),
            "PATH": f"{ssh.parent}:{os.environ['PATH']}",
            "XDG_STATE_HOME": str(directory / "state"),
            "XDG_RUNTIME_DIR": str(directory),
            "COROSYNC_MAIN_CONFIG_FILE": str(self.own),
            **environ,
        }
        self.session = Session(options, self.console, environ=environ)

    def far(self, host: str = "root@n1") -> str:
        return (self.hosts / host / "corosync.conf").read_text()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    assert made.own.read_text() == KEPT


def test_what_is_shown_is_the_hosts(desk: Desk) -> None:
    assert desk.types("corosync show").startswith("# of root@n1\n")
    assert desk.types("corosync get totem.token") == "3000\n"


@pytest.mark.parametrize(
    ("line", "path", "value"),
    [
        ("set totem.token 4000", "totem.token", "4000"),
        ("add-node 10.0.0.3 n3", "nodelist.node.2.name", "n3"),
        ("del-node n2", "nodelist.node.1.name", None),
        ("pull n2", "totem.token", "5000"),
    ],
)
def test_what_is_changed_is_the_hosts(desk: Desk, line: str, path: str, value: str | None) -> None:
    desk.types(f"corosync {line}")
    assert desk.code == 0
    assert editing.value_of(desk.far(), path) == value


def test_the_editor_gets_the_hosts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    desk.session.environ["VISUAL"] = "sed -i s/3000/4000/"
    desk.types("corosync edit")
    assert "token: 4000" in desk.far()


def test_a_mistake_in_the_edited_file_can_be_mended(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was typed is not lost; without another look nothing is changed."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    desk.edits_by(
        '#!/bin/sh\nif grep -q many "$1"; then sed -i s/many/4000/ "$1"\n'
        'else sed -i "s/3000/many/; s/cluster_name: real/cluster_name: other/" "$1"; fi\n'
    )
    desk.session.environ["VISUAL"] = str(desk.directory / "editor")
    before = desk.far()
    asked: list[bool] = [False, True]
    monkeypatch.setattr(desk.console, "ask", lambda question: asked.pop(0))
    assert "token must be a number" in desk.types("corosync edit")
    assert desk.code == 1
    assert desk.far() == before
    desk.types("corosync edit")
    assert desk.code == 0
    assert editing.value_of(desk.far(), "totem.token") == "4000"
    assert editing.value_of(desk.far(), "totem.cluster_name") == "other"


def test_its_file_is_what_the_nodes_get_and_are_compared_with(desk: Desk) -> None:
    assert "-    token: 3000\n+    token: 5000" in desk.types("corosync diff n2")
    desk.types("corosync push n2")
    assert desk.far("root@n2") == desk.far()


def test_a_bad_file_does_not_come_to_the_host(desk: Desk) -> None:
    before = desk.far()
    said = desk.types("corosync set totem.version 9")
    assert desk.code != 0
    assert "root@n1:/etc/corosync/corosync.conf" in said
    assert desk.far() == before


def test_a_host_without_the_file_and_one_that_is_not_there(desk: Desk) -> None:
    (desk.hosts / "root@n1" / "corosync.conf").unlink()
    said = desk.types("corosync show")
    assert said == "ERROR: root@n1 has no /etc/corosync/corosync.conf\n"
    (desk.hosts / "root@n1").rmdir()
    assert "root@n1 cannot be reached by ssh" in desk.types("corosync set totem.token 1")


def test_the_host_of_the_environment_counts_too(tmp_path: Path) -> None:
    desk = Desk(tmp_path, CRM_HOST="root@n2")
    assert desk.types("corosync show").startswith("# of root@n2\n")
    desk.session.environ["CRM_LAB"] = "mine"
    assert "both named" in desk.types("corosync show")


def test_a_lab_of_the_desk_is_another_cluster(desk: Desk) -> None:
    """Its file and its logs are not those of the host."""
    del desk.session.environ["COROSYNC_MAIN_CONFIG_FILE"]
    with TemporaryDirectory(dir="/tmp") as short:  # paths of sockets are
        desk.session.environ["XDG_RUNTIME_DIR"] = short
        lab = Lab(environ=desk.session.environ, say=lambda _: None)
        lab.create(nodes=("mine1", "mine2"))
        before = Path(lab.place.conf).read_text()
        assert desk.types("corosync show").startswith("# of root@n1\n")
        desk.types("corosync set totem.token 4000")
        assert Path(lab.place.conf).read_text() == before
        said = desk.types("corosync log")
        assert "the logs of a real cluster are its system's" in said
        assert "cluster run" in said
