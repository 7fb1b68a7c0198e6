"""Somebody who uses the shell on a configuration in a file: no cluster, no terminal.

``Person.types`` runs one line, ``Person.runs_script`` a script; both return what was said, and
leave the exit code in ``code``.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from crmsh_py.cib.document import Cib
from crmsh_py.errors import CrmError
from crmsh_py.shell.console import Console
from crmsh_py.shell.dispatch import run_batch, run_line, single_line
from crmsh_py.shell.options import Options
from crmsh_py.shell.session import Session

CIB = """\
<cib validate-with="pacemaker-3.9" crm_feature_set="3.19.0" epoch="5" num_updates="0" \
admin_epoch="0">
  <configuration>
    <crm_config>
      <cluster_property_set id="cib-bootstrap-options">
        <nvpair id="cib-bootstrap-options-stonith-enabled" name="stonith-enabled" value="false"/>
      </cluster_property_set>
    </crm_config>
    <nodes>
      <node id="1" uname="alpha"/>
      <node id="2" uname="beta"/>
    </nodes>
    <resources>
      <primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2">
        <instance_attributes id="vip-instance_attributes">
          <nvpair id="vip-instance_attributes-ip" name="ip" value="10.0.0.1"/>
        </instance_attributes>
        <operations>
          <op id="vip-monitor-30s" name="monitor" interval="30s"/>
        </operations>
      </primitive>
      <group id="site">
        <primitive id="one" class="ocf" provider="pacemaker" type="Dummy"/>
        <primitive id="two" class="ocf" provider="pacemaker" type="Dummy"/>
      </group>
    </resources>
    <constraints>
      <rsc_colocation id="together" score="INFINITY" rsc="site" with-rsc="vip"/>
    </constraints>
  </configuration>
  <status/>
</cib>
"""


class Answers(Console):
    """A console that writes down what is said and asked; ``answers`` are given one by one.

    None is a person who ends the input (Ctrl-D).
    """

    def __init__(self, answers: Sequence[bool | None] = (), *, answer: bool | None = None) -> None:
        self.said = io.StringIO()
        super().__init__(out=self.said, err=self.said, answer=answer)
        self.answers = list(answers)
        self.questions: list[str] = []

    def ask(self, question: str) -> bool:
        """The next of the prepared answers; a question without one fails the test."""
        if self.answer is not None:
            return super().ask(question)
        self.questions.append(question)
        assert self.answers, f"nobody expected the question: {question}"
        reply = self.answers.pop(0)
        if reply is None:
            raise CrmError("there was no answer, so nothing was done")
        return reply


class Person:
    """One session on a file."""

    def __init__(
        self,
        directory: Path,
        *,
        options: Options | None = None,
        interactive: bool = False,
        answers: Sequence[bool | None] = (),
    ) -> None:
        self.file = directory / "cib.xml"
        if not self.file.exists():
            self.file.write_text(CIB, encoding="utf-8")
        self.directory = directory
        self.code = 0
        options = options or Options()
        self.console = Answers(answers, answer=None if interactive else options.force)
        self.session = Session(
            options,
            self.console,
            environ={"CIB_file": str(self.file), "HOME": str(directory)},
            interactive=interactive,
        )

    def types(self, line: str) -> str:
        """What one line printed, errors included."""
        before = len(self.console.said.getvalue())
        try:
            self.code = run_line(self.session, single_line(line))
        except CrmError as error:
            self.console.error(error)
            self.code = error.exit_code
        return self.console.said.getvalue()[before:]

    def runs_script(self, text: str, origin: str = "site.crm") -> str:
        """What a script printed; the exit code is in ``code``."""
        before = len(self.console.said.getvalue())
        self.code = run_batch(self.session, text, origin)
        return self.console.said.getvalue()[before:]

    def edits_by(self, script: str) -> None:
        """What the editor does from now on, as a program."""
        editor = self.directory / "editor"
        editor.write_text(script, encoding="utf-8")
        editor.chmod(0o755)

    def saved(self) -> Cib:
        """What is in the file: the cluster's side."""
        return Cib.parse(self.file.read_bytes())

    def has(self, name: str) -> bool:
        """Whether the file has an element with this id."""
        return self.saved().find_id(name) is not None
