"""A machine with Pacemaker's programs: the fake that stands behind clusters of that kind.

It holds a CIB and answers cibadmin as Pacemaker does: a patch is taken only while the
configuration's version is the one that it is for, and 103 says that it is not. The number of
changes of the state is compared where a patch names it, as it must since feature set 3.20.5
(Pacemaker 3.0.2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from crmsh_py.cib.apply import apply
from crmsh_py.cib.document import Cib
from crmsh_py.cib.patch import Operation, Patch
from crmsh_py.cib.xml import to_xml
from crmsh_py.clusters.pacemaker import PacemakerCluster
from crmsh_py.clusters.pacemaker_programs import Answer, Output, Programs
from crmsh_py.clusters.seen import SeenConfigurations

START = """\
<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" admin_epoch="0" epoch="5"
     num_updates="7" have-quorum="1" dc-uuid="2" cib-last-written="Sun Nov 29 07:53:11 2026"
     update-origin="n2" update-client="crmd" update-user="hacluster">
  <configuration>
    <crm_config>
      <cluster_property_set id="cib-bootstrap-options">
        <nvpair id="cib-bootstrap-options-cluster-name" name="cluster-name" value="real"/>
      </cluster_property_set>
    </crm_config>
    <nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
    <resources>
      <primitive id="d1" class="ocf" provider="pacemaker" type="Dummy"/>
    </resources>
    <constraints/>
  </configuration>
  <status/>
</cib>
"""


STRICT = "3.20.5"


@dataclass
class Machine(Programs):
    """``calls`` are the command lines; ``before_patch`` is what others do just before a commit."""

    cib: Cib = field(default_factory=lambda: Cib.parse(START))
    calls: list[str] = field(default_factory=list)
    patches: list[str] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    before_patch: list[Callable[[], None]] = field(default_factory=list)
    host: str = ""

    def run(
        self, program: str, *arguments: str, timeout_s: float, stdin: str | None = None
    ) -> Answer:
        line = " ".join((program, *arguments))
        self.calls.append(line)
        if line in self.answers:
            return self.answers[line]
        if line == "cibadmin -Q --no-children":
            return Answer(0, to_xml(self.cib.root.with_children(())), "")
        if line == "cibadmin -Q":
            return Answer(0, self.cib.to_xml(), "")
        if program == "cibadmin" and "--patch" in arguments:
            assert stdin is not None
            return self._patched(stdin)
        return Answer(0, "", "")

    def output(self, words: Sequence[str], *, timeout_s: float, stdin: bytes = b"") -> Output:
        line = " ".join(words)
        self.calls.append(line)
        answer = self.answers.get(line, Answer(0, "", ""))
        return Output(answer.code, answer.out.encode(), answer.err.encode())

    def _patched(self, text: str) -> Answer:
        self.patches.append(text)
        if self.before_patch:
            self.before_patch.pop(0)()
        patch = Patch.from_xml(text)
        have, want = self.cib.version, patch.source
        strict = self.cib.root.get("crm_feature_set") == STRICT
        if strict and "num_updates" not in text:
            return Answer(1, "", "cibadmin: CIB API call failed: Invalid argument")
        compared = 3 if "num_updates" in text else 2
        if have.tuple[:compared] != want.tuple[:compared]:
            return Answer(103, "", "Call cib_apply_diff failed: Update was older")
        self.cib = apply(self.cib, patch)
        # It does not see that attributes of the root are changed, nor, since then, that elements
        # are moved, where the version is not among what is changed.
        passed_over = {Operation.MOVE} if strict else set()
        seen = any(c.operation not in passed_over and c.path != "/cib" for c in patch.changes)
        if seen or 'name="epoch"' in text:
            self.cib = self.cib.with_version(patch.target)
        return Answer(0, "", "")

    def state_changes(self) -> None:
        """The status section changes."""
        self.cib = self.cib.with_version(self.cib.version.next_update())

    def other_writer(self, change: Callable[[Cib], Cib]) -> None:
        """Somebody else commits."""
        self.cib = change(self.cib).with_version(self.cib.version.next_epoch())


def cluster_of(machine: Machine, state: str = "") -> PacemakerCluster:
    """The cluster that is on this machine; ``state`` is where histories are kept."""
    return PacemakerCluster(machine, SeenConfigurations(state))
