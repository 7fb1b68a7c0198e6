"""A session at the configure level of a cluster in memory, where something runs."""

from __future__ import annotations

from collections.abc import Sequence

from shell.person import Answers
from tools.fakes import FakeCluster

from crmsh_py.shell.dispatch import run_line, single_line
from crmsh_py.shell.options import Options
from crmsh_py.shell.session import Session


class OnFake(Session):
    """A session at the configure level of a cluster in memory."""

    def __init__(
        self,
        answers: Sequence[bool | None] = (),
        *,
        interactive: bool = True,
        options: Options | None = None,
    ) -> None:
        self.fake = FakeCluster()
        self.said = Answers(answers, answer=None if interactive else False)
        super().__init__(
            options or Options(), self.said, environ={"HOME": "/dev/null"}, interactive=interactive
        )
        self.levels = ("configure",)

    @property
    def cluster(self) -> FakeCluster:  # type: ignore[override]
        return self.fake

    def choose(self, shadow: str = "", *, node: str = "") -> FakeCluster:  # type: ignore[override]
        return self.fake

    def types(self, *lines: str) -> str:
        before = len(self.said.said.getvalue())
        for line in lines:
            run_line(self, single_line(line))
        return self.said.said.getvalue()[before:]
