"""The examples that need daemons, in one lab, in an order in which each makes sense."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator

import pytest
from e2e.harness import ROOT, Lab, close_lab, make_lab, users

from crmsh_py.shell.main import main

pytestmark = pytest.mark.e2e

# Each of them as it is in the help; the exit code is 0 where nothing else is said.
EXAMPLES: dict[str, int] = {
    "crm lab create --config examples/corosync.conf": 0,
    "crm lab start": 0,
    "crm lab status": 0,
    "crm lab list": 0,
    "crm lab import cib.xml": 1,  # there is no such file, and this lab exists
    "crm cluster wait_for_startup 10": 0,
    "crm cluster status": 0,
    "crm lab exec pacemaker01 -- ip addr": 0,
    "crm lab exec host -- uname -n": 0,
    "crm lab shell pacemaker01": 0,
    "crm lab log pacemaker01": 0,
    "crm corosync show": 0,
    "crm corosync get totem.token": 0,
    "crm corosync get totem": 0,
    "crm corosync status": 0,
    "crm corosync log pacemaker01": 0,
    "crm corosync set logging.debug on": 0,
    "crm corosync set totem.token 4000": 0,
    "crm corosync edit": 2,  # without a terminal
    "crm corosync diff": 1,  # it differs until it is pushed
    "crm corosync push": 0,
    "crm corosync pull pacemaker02": 0,
    "crm corosync reload": 0,
    "crm corosync add-node 192.168.100.13 pacemaker04": 1,  # this file has no nodelist
    "crm corosync del-node pacemaker03": 1,
    'crm cluster run "uname -n"': 0,
    'crm cluster run "uptime" pacemaker01 pacemaker02': 0,
    "crm cluster copy /etc/hosts": 0,
    "crm cluster diff /etc/hosts": 0,
    "crm cluster diff /etc/hosts --checksum": 0,
    "crm cluster health": 0,
    "crm cluster enable --all": 0,
    "crm cluster disable pacemaker03": 0,
    "crm cluster rename site-a": 0,
    "crm cluster add pacemaker04 192.168.100.13": 0,
    "crm configure revisions": 0,
    "crm configure diff 0.5.0": 0,
    "crm configure rollback 0.5.0": 0,
    "crm resource fail WebSite": 0,
    "crm resource fail WebSite pacemaker01": 0,
    "crm resource secret WebSite set statusurl http://localhost/": 0,
    "crm maintenance action WebSite monitor": 0,
    "crm history info": 0,
    "crm history latest": 0,
    'crm history limit "2 hours ago"': 0,
    "crm history source live": 0,
    "crm history refresh": 0,
    "crm history detail 1": 0,
    "crm history setnodes pacemaker01": 0,
    'crm history exclude "send_arp"': 0,
    "crm history events": 0,
    "crm history resource WebSite": 0,
    "crm history node pacemaker01": 0,
    "crm history log pacemaker01": 0,
    "crm history transitions": 0,
    "crm history transition 0": 0,
    "crm history transition log 0": 0,
    "crm history peinputs": 0,
    "crm history show 0.2": 0,
    "crm history graph 0.2": 0,
    "crm history diff 0.2 0.3": 0,
    "crm history wdiff 0.2 0.3": 0,
    "crm cluster stop pacemaker03": 0,
    "crm cluster start --all": 0,
    "crm cluster restart pacemaker03": 0,
    "crm node fence pacemaker01": 0,
    "crm lab partition pacemaker01": 0,
    "crm lab heal": 0,
    "crm lab delay 50 pacemaker01": 0,
    "crm lab loss 10 pacemaker01 pacemaker02": 0,
    "crm lab duplicate 20 pacemaker01": 0,
    "crm lab disk slow pacemaker01": 0,
    "crm lab freeze pacemaker01": 0,
    "crm lab thaw pacemaker01": 0,
    "crm lab stop pacemaker03": 0,
    "crm cluster remove pacemaker03": 0,
    "crm lab reboot pacemaker02": 0,
    "crm lab kill pacemaker01": 0,
    "crm lab wipe pacemaker02": 0,
    "crm lab destroy": 0,
}

# What is typed between them, so that each finds what it is about.
BEFORE: dict[str, tuple[str, ...]] = {
    "crm cluster health": (
        "crm configure property stonith-enabled=false",
        "crm -f examples/website.crm",
        "crm configure rsc_defaults resource-stickiness=100",
        "crm -w configure property no-quorum-policy=stop",
    ),
    "crm configure diff 0.5.0": ("crm configure tag web: ClusterIP WebSite",),
    "crm maintenance action WebSite monitor": ("crm -w maintenance on WebSite",),
    "crm history info": ("crm -w maintenance off WebSite",),
    "crm cluster stop pacemaker03": ("crm site ticket grant T",),
    # A ticket outlives changes of the membership.
    "crm lab kill pacemaker01": ("crm site ticket show T",),
    "crm node fence pacemaker01": (
        "crm configure primitive fence stonith:lab",
        "crm -w configure property stonith-enabled=true",
    ),
    "crm lab partition pacemaker01": (
        "crm configure property stonith-enabled=false",
        "crm lab start",
        "crm cluster wait_for_startup 20",
    ),
    "crm lab stop pacemaker03": ("crm lab heal", "crm cluster wait_for_startup 20"),
    "crm lab wipe pacemaker02": ("crm lab stop pacemaker02",),
}
JSON = {
    "crm cluster status": "subsystems",
    "crm corosync status": "members",
    "crm corosync get totem": "keys",
    "crm corosync show": "lines",
    "crm cluster health": "findings",
    'crm cluster run "uname -n"': "outcomes",
    "crm cluster diff /etc/hosts": "lines",
    "crm lab status": "nodes",
    "crm lab list": "names",
    "crm lab log pacemaker01": "lines",
    "crm history info": "revisions",
    "crm history events": "events",
    "crm history transitions": "transitions",
    "crm history show 0.2": "objects",
    "crm history diff 0.2 0.3": "lines",
    "crm configure revisions": "revisions",
}
# Where a question is asked, the person means it.
SURE = ("crm node fence", "crm cluster remove")


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A lab that the examples themselves make and take away."""
    made = make_lab(users()[0], "examples")
    yield made
    close_lab(made)


@pytest.fixture
def crm(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """The program, run in this process: seventy starts of Python would take most of the time."""
    for name in ("CIB_file", "CIB_shadow", "CRM_NODE", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in lab.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)

    def run(*words: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(list(words))
        return code, *capfd.readouterr()

    return run


@pytest.mark.timeout(400)
def test_every_example_that_needs_daemons_works(
    lab: Lab, crm: Callable[..., tuple[int, str, str]]
) -> None:
    wrong = []
    for example, wanted in EXAMPLES.items():
        for line in BEFORE.get(example, ()):
            code, _, err = crm(*shlex.split(line)[1:])
            assert code == 0, f"{line}: {err}"
        words = shlex.split(example)[1:]
        if example.startswith(SURE):
            words.insert(0, "-F")
        code, out, err = crm(*words)
        if code != wanted:
            wrong.append(f"{example}: {code}, not {wanted}\n{out}{err}")
        if field := JSON.get(example):
            text = crm(*words, "--output-as", "json")[1]
            if field not in json.loads(text):
                wrong.append(f"{example}: no {field} in {text[:200]}")
        if example == "crm cluster remove pacemaker03":
            shown = crm("node", "show")[1]
            wrong += [shown] if "pacemaker03" in shown else []
    assert not wrong, "\n".join(wrong)
