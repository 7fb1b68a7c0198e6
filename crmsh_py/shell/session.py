"""One run of the shell: its cluster, its pending configuration, its console and its options.

Everything a command handler needs is here; a handler knows nothing of how it was called.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.errors import ClusterUnreachable, CrmError, UsageError
from crmsh_py.shell.console import Console
from crmsh_py.shell.options import Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from crmsh_py.agents.catalogue import Catalogue
    from crmsh_py.cib.document import Cib
    from crmsh_py.clusters.port import Cluster
    from crmsh_py.lang.words import LogicalLine
    from crmsh_py.scheduler.result import ClusterStatus
    from crmsh_py.shell.choice import Choice
    from crmsh_py.shell.preferences import Preferences
    from crmsh_py.shell.pretended import Pretended
    from crmsh_py.shell.working import WorkingCopy


HANGS_S = 3.0  # a node that does not answer for so long is left, if another one answers


class Session:
    """The state of one shell.

    ``levels`` is where a person stands: ``()`` at the root, ``("configure",)``,
    ``("configure", "ra")``. ``interactive`` is True in the REPL only.
    """

    def __init__(
        self,
        options: Options,
        console: Console,
        *,
        environ: Mapping[str, str] | None = None,
        interactive: bool = False,
    ) -> None:
        self.options = options
        self.console = console
        self.environ = dict(os.environ if environ is None else environ)
        self._preferences: Preferences | None = None
        if editor := self.preferences.get("core.editor"):
            self.environ["VISUAL"] = editor
        if options.layout:
            self.environ["CRM_LAYOUT"] = options.layout
        elif self.preferences.is_set("status.layout"):
            self.environ.setdefault("CRM_LAYOUT", self.preferences.get("status.layout"))
        self.interactive = interactive
        self.levels: tuple[str, ...] = ()
        self.leaving = False
        # The line that is being run, and the file that it stands in ('' when typed by hand).
        self.line: LogicalLine | None = None
        self.origin = ""
        self.form = options.output_as or "text"  # of what the command that is run shows
        self.shadow = options.shadow or self._shadow_of_environment()
        self.past: Choice | None = None  # what the level “history” looks at
        self.template = ""  # what the level “template” works on
        self._cluster: Cluster | None = None
        self._working: WorkingCopy | None = None
        self._catalogue: Catalogue | None = None
        self._sat_on = ""
        self._pretended: Pretended | None = None

    @property
    def cluster(self) -> Cluster:
        """The cluster that is driven; chosen at the first use. Raises ClusterUnreachable."""
        if self._cluster is None:
            self._cluster = self.choose(self.shadow)
            if self._cluster.kind is ClusterKind.LOCAL:
                self._sat_on = self._cluster.node
        return self._cluster

    def choose(self, shadow: str = "", *, node: str = "") -> Cluster:
        """A connection of its own to a shadow, or ('') to what the options name (a lab's node)."""
        from crmsh_py.clusters.choose import choose

        return choose(
            dict(self.environ, CRM_NODE=node) if node else self.environ,
            kind=self.options.cluster or None,
            shadow=shadow or None,
            host=self.options.host or None,
        )

    def _shadow_of_environment(self) -> str:
        """What ``choose`` would take from CIB_shadow, so that everybody knows that it is in use."""
        options = self.options
        if options.host or options.cluster not in ("", "file") or self.environ.get("CIB_file"):
            return ""
        return self.environ.get("CIB_shadow", "")

    @property
    def working(self) -> WorkingCopy:
        """The pending configuration; loaded when somebody looks at it (crm lab … does not)."""
        if self._working is None:
            from crmsh_py.shell.working import WorkingCopy

            self._working = WorkingCopy(lambda: self.cluster)
        return self._working

    def begin_command(self) -> None:
        """What a command looks at is read for it, and once."""
        if self._working is not None:
            self._working.begin()

    @property
    def edited(self) -> Cib | None:
        """The pending configuration, without asking the cluster; None if nothing is pending."""
        return self._working.edited if self._working is not None else None

    def cluster_status(self) -> ClusterStatus:
        """How its nodes and resources are now, by what the cluster says."""
        from crmsh_py.scheduler.status import cluster_status
        from crmsh_py.tools.common import local_now

        return cluster_status(self.cluster.read_cib(), now=local_now())

    @property
    def node(self) -> str:
        """The node that the shell sits on, as far as it is known without asking."""
        return self._sat_on

    @property
    def pretended(self) -> Pretended:
        """The status that simulations begin with: the cluster's own until it is changed."""
        if self._pretended is None:
            from crmsh_py.shell.pretended import Pretended

            self._pretended = Pretended()
        return self._pretended

    @pretended.setter
    def pretended(self, made: Pretended) -> None:
        self._pretended = made

    @property
    def catalogue(self) -> Catalogue:
        """The agents of the catalogue, and of this machine or of the host that is named."""
        if self._catalogue is None:
            from crmsh_py.agents.catalogue import Catalogue

            host = self.options.host or self.environ.get("CRM_HOST", "")
            real = self._is_real()
            if host and real:
                from crmsh_py.clusters.pacemaker_agents import FarAgents
                from crmsh_py.clusters.pacemaker_programs import Programs

                far = FarAgents(Programs(self.environ, host=host))
                self._catalogue = Catalogue(far, labs=False)
            else:
                self._catalogue = Catalogue.of_machine(self.environ, labs=not real)
        return self._catalogue

    def _is_real(self) -> bool:
        try:
            return self.cluster.kind is ClusterKind.PACEMAKER
        except CrmError:
            return False  # agents can be looked at without a cluster

    @property
    def preferences(self) -> Preferences:
        """What the user has chosen in ``options``; read when it is first asked for."""
        if self._preferences is None:
            from crmsh_py.shell.preferences import Preferences

            self._preferences = Preferences.load(self.environ)
        return self._preferences

    @property
    def label(self) -> str:
        """What the prompt shows in brackets; ``none`` while there is no cluster."""
        try:
            return self.cluster.label
        except CrmError:
            return "none"

    def show(self, text: str, record: Callable[[], DataclassInstance]) -> None:
        """Print what a command found: its text, or the record (which is made only then) in the
        form that was asked for. Raises UsageError for a form that it does not have.
        """
        if self.form == "text":
            self.console.out(text.rstrip("\n"))
            return
        from crmsh_py.views import records

        if self.form == "html":
            raise UsageError("only status has the form html", hint="--output-as json or xml")
        write = records.to_json if self.form == "json" else records.to_xml
        made = write(record())
        self.console.out(made.rstrip("\n"))

    def only_for_its_time(self, level: str) -> None:
        """Warn in a one-shot of what a session keeps: it ends before it could be looked at."""
        if self.options.words and not self.interactive:
            self.console.warning(
                f"this holds for a session: use it in the shell (crm {level}), or in a script"
            )

    def use_shadow(self, name: str) -> None:
        """Work on a shadow ('' is the live cluster) from now on."""
        self.shadow = name
        self.environ.pop("CIB_shadow", None)  # it was what the shell began with
        self._cluster = None
        self.working.refresh()

    def follow_node(self) -> str | None:
        """Move to another node of the lab if the one we sit on has died.

        Returns the sentence that says so, None if nothing had to be done. A choice that the user
        made (``CRM_NODE``) holds as long as that node lives.
        """
        if self._cluster is None or self._cluster.kind is not ClusterKind.LOCAL:
            return None
        try:
            self._cluster.membership(timeout_s=HANGS_S)
        except CrmError:
            pass
        else:
            return self.moved()
        old, self._cluster = self._sat_on, None
        self.environ.pop("CRM_NODE", None)
        try:
            new = self.cluster.node
        except ClusterUnreachable:
            return f"{old} does not answer, and no other node does"
        return f"{old} does not answer any more: the shell sits on {new} now"

    def leave_lab(self) -> None:
        """Sit on no node: the lab was just taken away or switched off, and nobody misses it."""
        if self._cluster is not None and self._cluster.kind is ClusterKind.LOCAL:
            self._cluster, self._sat_on = None, ""
            self.environ.pop("CRM_NODE", None)

    def moved(self) -> str | None:
        """The sentence that says that another node has answered than the one we sat on.

        What only reads is asked of another node when ours has gone, and nobody hears of an error.
        """
        if self._cluster is None or self._cluster.kind is not ClusterKind.LOCAL:
            return None
        try:
            old, new = self._sat_on, self._cluster.node
        except CrmError:
            return None  # the next command will say so
        self._sat_on = new
        if not old or old == new:
            return None
        return f"{old} does not answer any more or has lost quorum: the shell sits on {new} now"
