"""Everybody finds a lab's files by the same rules."""

from __future__ import annotations

import pytest

from crmsh_py.errors import CrmError
from crmsh_py.wire import paths

HOME = {"HOME": "/home/liu"}


def test_without_anything_set_state_is_at_home_and_sockets_are_in_tmp() -> None:
    assert (
        paths.lab_state_directory(HOME, 1000, "demo") == "/home/liu/.local/state/crmsh-py/labs/demo"
    )
    assert paths.node_socket(HOME, 1000, "demo", "n1") == "/tmp/crm-1000/crmsh-py/demo/n1.sock"
    assert paths.lab_socket(HOME, 1000, "demo") == "/tmp/crm-1000/crmsh-py/demo/lab.sock"


def test_the_xdg_directories_are_used() -> None:
    environ = {**HOME, "XDG_STATE_HOME": "/s", "XDG_RUNTIME_DIR": "/run/user/1000/"}

    assert paths.lab_state_directory(environ, 1000, "demo") == "/s/crmsh-py/labs/demo"
    assert paths.lab_runtime_directory(environ, 1000, "demo") == "/run/user/1000/crmsh-py/demo"


def test_a_relative_xdg_directory_does_not_count() -> None:
    environ = {**HOME, "XDG_RUNTIME_DIR": "run"}

    assert paths.lab_runtime_directory(environ, 7, "demo") == "/tmp/crm-7/crmsh-py/demo"


def test_the_base_directories_of_a_lab_win_over_everything() -> None:
    environ = {"CRM_STATE_DIR": "/a", "CRM_RUNTIME_DIR": "/b", "XDG_RUNTIME_DIR": "/c"}

    assert paths.lab_state_directory(environ, 0, "demo") == "/a/demo"
    assert paths.node_socket(environ, 0, "demo", "n1") == "/b/demo/n1.sock"


def test_without_a_home_the_message_says_what_to_set() -> None:
    with pytest.raises(CrmError) as caught:
        paths.lab_state_directory({}, 1000, "demo")

    assert "HOME" in caught.value.format_message()


def test_a_path_too_long_for_a_socket_is_an_error() -> None:
    with pytest.raises(CrmError, match="107 bytes"):
        paths.node_socket({"XDG_RUNTIME_DIR": "/" + "d" * 100}, 1000, "demo", "n1")


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a b", "-x", "x" * 33, "a\n"])
def test_a_lab_name_stays_inside_its_directory(name: str) -> None:
    with pytest.raises(CrmError):
        paths.lab_state_directory(HOME, 1000, name)


@pytest.mark.parametrize("name", ["", "host", "lab", "..", "a/b", "n1.", "a..b", "x" * 64, "a\n"])
def test_a_node_name_is_a_host_name(name: str) -> None:
    with pytest.raises(CrmError):
        paths.node_socket(HOME, 1000, "demo", name)


@pytest.mark.parametrize(
    ("path", "node"),
    [("/x/pacemaker01.sock", "pacemaker01"), ("/x/lab.sock", ""), ("/x/pacemaker01.pid", "")],
)
def test_a_socket_names_its_node(path: str, node: str) -> None:
    assert paths.node_of_socket(path) == node


def test_the_lab_comes_from_the_environment() -> None:
    assert paths.lab_name({}) == "default"
    assert paths.lab_name({"CRM_LAB": "two"}) == "two"
