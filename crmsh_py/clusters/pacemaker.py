"""A real cluster of Corosync and Pacemaker, driven by their own programs.

On a node of the cluster, or on any machine that reaches one by ssh (``host``). A command costs as
few programs as can be: one to read the CIB, and for a change two more, to send the patch and to
see that it was taken.

A commit is a patch against the version that was read, and the cluster takes it only while its
configuration still is that one (Pacemaker compares the versions of the patch; changes of the state
do not matter). When somebody else was faster, the newest configuration is read and the change is
made on it anew, or refused as a conflict where both touched the same thing. So what a node's
replica does on a lab is done here by the one who commits.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.version import Version
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.clusters.pacemaker_programs import OUTDATED, TOO_LATE, Answer, Programs
from crmsh_py.clusters.seen import SeenConfigurations
from crmsh_py.errors import ClusterUnreachable, Conflict, CrmError, TimedOut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.patch import Patch
    from crmsh_py.clusters.orders import NodeOrder
    from crmsh_py.wire import control

READ_TIMEOUT_S = 15.0
ASK_TIMEOUT_S = 10.0
COMMIT_TIMEOUT_S = 30.0  # a new DC may have to be found first
CHANGE_TIMEOUT_S = 0.1  # more for each change of a commit
CLEAN_TIMEOUT_S = 60.0
FENCE_TIMEOUT_S = 130.0  # stonith_admin itself gives up after 120
POLL_S = 0.3
WATCH_S = 1.0
_ATTEMPTS = 8  # of a commit that others are faster than
# How long a DC that says it is idle must say so, where our own plan would still do something.
_SETTLED_S = 3.0
_REQUIRED = ("crm_config", "nodes", "resources", "constraints")


class PacemakerCluster:
    """Implements ``clusters.port.Cluster`` for a running Pacemaker."""

    kind = ClusterKind.PACEMAKER

    def __init__(self, programs: Programs, seen: SeenConfigurations) -> None:
        self._programs = programs
        self._seen = seen
        self._node = ""
        self._latest: Cib | None = None

    @classmethod
    def of_environment(
        cls, environ: Mapping[str, str], uid: int, *, host: str = ""
    ) -> PacemakerCluster:
        """The one of this machine, or of ``host`` (``user@node``). Nothing is asked yet."""
        seen = SeenConfigurations.of_environment(environ, uid)
        return cls(Programs(environ, host=host), seen)

    @property
    def label(self) -> str:
        """What the prompt shows: ``pacemaker/node1``, ``pacemaker/root@node1``."""
        return f"{self.kind}/{self._programs.host or self.node}"

    @property
    def node(self) -> str:
        """The node that the calls go to, as the cluster calls it; its machine's own name while
        nothing runs there.
        """
        if not self._node:
            told = self._programs.run("crm_node", "-n", timeout_s=ASK_TIMEOUT_S)
            if told.code != 0:
                told = self._programs.run("uname", "-n", timeout_s=ASK_TIMEOUT_S)
                return told.out.strip()
            self._node = told.out.strip()
        return self._node

    @property
    def host(self) -> str:
        """``user@node`` where the cluster is reached by ssh; '' on this machine."""
        return self._programs.host

    @property
    def programs(self) -> Programs:
        """The programs of the node."""
        return self._programs

    # ---- the configuration -----------------------------------------------------------------

    def read_cib(self) -> Cib:
        """The newest CIB with its status section, as far as this user may read it."""
        answer = self._ask("cibadmin", "-Q", timeout_s=READ_TIMEOUT_S)
        self._latest = cib = _completed(Cib.parse(answer.out))
        self._seen.keep(cib)
        return cib

    def commit(self, patch: Patch, *, client: str, force_no_quorum: bool = False) -> Version:
        """Have a patch taken; returns when the cluster has the change.

        ``client`` is not passed on: Pacemaker names the program that sent the change itself.

        Raises:
            Conflict: somebody else changed meanwhile what the patch touches.
            NoQuorum: this partition has none (Pacemaker would take the change all the same).
            NotPermitted: the cluster's ACLs do not let this user.
        """
        from crmsh_py.clusters.pacemaker_patch import check, on_top, same_configuration

        base = self._latest
        if base is None or base.version != patch.source:
            base = self.read_cib()
        unseen = 0
        for _ in range(_ATTEMPTS):
            if not same_configuration(base.version, patch.source):
                patch = on_top(base, patch)
                if not patch:
                    return base.version
            check(base, force_no_quorum=force_no_quorum)
            if (target := self._send(base, patch)) is None:
                base = self.read_cib()
                continue
            base = self._read_back(target)
            if base.version >= target:
                return base.version
            if (unseen := unseen + 1) > 1:  # once may be a DC that died with it
                raise _perhaps("the cluster took the change, and does not have it")
        raise Conflict(
            "the configuration changes all the time; yours was never the next one",
            hint="nothing was committed: try again",
        )

    def _send(self, base: Cib, patch: Patch) -> Version | None:
        """The version that the patch makes; None when the configuration is another one by now."""
        from crmsh_py.clusters.pacemaker_patch import names_updates, same_configuration, target

        deadline = time.monotonic() + COMMIT_TIMEOUT_S
        while not self._taken(base, patch):
            if not names_updates(base, patch):
                return None
            version = self._version()
            if not same_configuration(version, base.version):
                return None
            # Only the state has changed meanwhile: no reason to read all of it again.
            base = base.with_version(version)
            if time.monotonic() > deadline:
                raise TimedOut(
                    "the state of the cluster changes all the time; nothing was committed",
                    hint="try again when it has come to rest (crm status)",
                )
        return target(patch)

    def _taken(self, base: Cib, patch: Patch) -> bool:
        """Whether the cluster has made the change; False when its CIB is not ``base`` any more."""
        from crmsh_py.clusters.pacemaker_patch import text

        # Pacemaker works on a large patch for a while: every node applies it change by change.
        limit_s = COMMIT_TIMEOUT_S + len(patch.changes) * CHANGE_TIMEOUT_S
        try:
            answer = self._programs.run(
                "cibadmin",
                "--patch",
                "--xml-pipe",
                f"--timeout={limit_s:.0f}",
                stdin=text(base, patch),
                timeout_s=limit_s + ASK_TIMEOUT_S,
            )
        except TimedOut as error:
            raise _perhaps(error.message) from None
        if answer.code == OUTDATED:
            return False
        if answer.code == TOO_LATE:
            raise _perhaps(f"cibadmin: {answer.complaint or 'no answer in time'}")
        self._checked(answer, "cibadmin")
        return True

    def _version(self) -> Version:
        """The newest CIB's, without the CIB."""
        from crmsh_py.cib import xml

        return Version.from_element(xml.parse(self._ask("cibadmin", "-Q", "--no-children").out))

    def _read_back(self, target: Version) -> Cib:
        """The CIB after a commit; this node's copy follows the DC's within moments."""
        deadline = time.monotonic() + ASK_TIMEOUT_S
        while True:
            cib = self.read_cib()
            if cib.version >= target or time.monotonic() > deadline:
                return cib
            time.sleep(POLL_S / 10)

    # ---- the rest of the port --------------------------------------------------------------

    def set_attribute(
        self,
        node: str,
        name: str,
        value: str | None,
        *,
        delay_ms: int = 0,
        set_delay: bool = False,
        private: bool = False,
    ) -> None:
        """Set or delete (None) a transient node attribute."""
        how = ["--delete"] if value is None else ["--update", value]
        if set_delay and value is not None:
            how = ["--update-both", value]
        if delay_ms:
            how += ["--delay", str(delay_ms // 1000)]
        if private:
            how += ["--private"]
        self._ask("attrd_updater", "--name", name, "--node", node, *how)

    def attribute_values(self, name: str) -> dict[str, str]:
        """A transient attribute on all nodes that have it."""
        from crmsh_py.clusters.pacemaker_answers import attribute_values

        answer = self._programs.run(
            "attrd_updater", "--name", name, "--query", "--all", timeout_s=ASK_TIMEOUT_S
        )
        return attribute_values(answer.out) if answer.code == 0 else {}

    def set_ticket(self, name: str, attributes: Mapping[str, str | None] | None) -> None:
        """Set attributes of a ticket (value None deletes one); None forgets the ticket."""
        ticket = ("crm_ticket", "--force", "--ticket", name)
        if attributes is None:
            self._ask(*ticket, "--cleanup")
            return
        for attribute, value in attributes.items():
            if attribute == "last-granted":
                continue  # crm_ticket sets it itself
            how = ("--delete-attr", attribute) if value is None else ("--set-attr", attribute)
            self._ask(*ticket, *how, *(() if value is None else ("--attr-value", value)))

    def clean_resource(
        self, resource: str, node: str, *, all_history: bool, operation: str = ""
    ) -> None:
        """Forget failures or history, and let the cluster look again. '' means all."""
        words = ["--refresh" if all_history else "--cleanup"]
        if resource:
            words += ["--resource", resource]
        if node:
            words += ["--node", node]
        if operation:
            name, _, interval = operation.rpartition("_")
            words += ["--operation", name, "--interval", f"{interval}ms"]
        self._ask("crm_resource", *words, timeout_s=CLEAN_TIMEOUT_S)

    def fail_resource(self, resource: str, node: str) -> None:
        """Take an instance of a primitive for failed on a node where it runs."""
        self._ask("crm_resource", "--fail", "--resource", resource, "--node", node)

    def administer(self, order: control.RingOrder | NodeOrder) -> None:
        """Change something of ring or quorum, on all nodes, by Corosync's own programs."""
        from crmsh_py.clusters import orders
        from crmsh_py.wire import control

        match order:
            case control.ReenableRings():
                self._ask("corosync-cfgtool", "-r")
            case control.ReloadConf():
                self._ask("corosync-cfgtool", "-R")
            case control.EndMember(node_id=node):
                self._ask("corosync-cfgtool", "-k", str(node))
            case control.SetExpectedVotes(votes=votes):
                self._ask("corosync-quorumtool", "-e", str(votes))
            case control.SetVotes(votes=votes, node_id=node_id):
                which = ("-n", str(node_id)) if node_id else ()
                self._ask("corosync-quorumtool", "-v", str(votes), *which)
            case orders.ReopenLogs():
                self._ask("corosync-cfgtool", "-L")
            case orders.ShutDown(force=force):
                told = self._ask("corosync-cfgtool", "-H", *(("--force",) if force else ()))
                if "Could not shutdown" in told.err:  # which ends with 0 all the same
                    raise CrmError(
                        "Corosync does not shut down: who uses it does not let it",
                        hint="stop Pacemaker first, or say --force: what runs here is lost",
                    )
            case orders.DropDevice():
                self._ask("corosync-quorumtool", "-f")

    def fence(
        self,
        node: str,
        action: str = "reboot",
        *,
        timeout_s: int = 0,
        delay_s: int = 0,
        tolerance_s: int = 0,
        client: str = "stonith_admin",
    ) -> None:
        """Fence a node; returns when that has happened."""
        from crmsh_py.clusters import pacemaker_fencing as fencing

        fencing.check_action(action)
        words = fencing.fence_words(
            node, action, timeout_s=timeout_s, delay_s=delay_s, tolerance_s=tolerance_s
        )
        limit = (timeout_s or FENCE_TIMEOUT_S) + max(0, delay_s)
        answer = self._programs.run(fencing.TOOL, *words, timeout_s=limit)
        if failure := fencing.failure(node, answer.complaint if answer.code else ""):
            raise failure
        self._checked(answer, fencing.TOOL)

    def confirm_fenced(self, node: str) -> None:
        """Tell the cluster that a node is off for sure."""
        self._ask("stonith_admin", "--confirm", node)

    def fencing(self, *, devices: bool = False) -> control.FencingReply:
        """What has been fenced and, if wanted, the fence devices."""
        from crmsh_py.wire.control import FenceDevice, FencingReply

        if self._latest is not None and _never_fences(self._latest):
            return FencingReply(devices=[], records=[])  # a program less for every status
        from crmsh_py.clusters import pacemaker_fencing as fencing

        history = self._ask(fencing.TOOL, "--history", "*", "--verbose", "--output-as=xml").out
        found: list[FenceDevice] = []
        if devices:
            listed = self._ask(fencing.TOOL, "--list-registered", "--output-as=xml").out
            found = [
                FenceDevice(name=name, agent="", nodes=[], asks=True)  # Pacemaker is, and knows
                for name in fencing.names(listed)
            ]
        return FencingReply(devices=found, records=fencing.records(history))

    def ask_device(
        self, device: str, *, hosts: bool = False, target: str = ""
    ) -> control.DeviceReply:
        """What Pacemaker knows of a device, or has its agent say."""
        from functools import partial

        from crmsh_py.clusters import pacemaker_fencing as fencing

        run = partial(self._programs.run, timeout_s=FENCE_TIMEOUT_S)
        return fencing.ask_device(run, device, hosts=hosts, target=target)

    def forget_fencing(self, node: str = "") -> None:
        """Forget what has been fenced."""
        self._ask("stonith_admin", "--history", node or "*", "--cleanup")

    def membership(self, *, timeout_s: float = 0) -> control.MembershipReply:
        """Ring and quorum as Corosync tells them; as the CIB has them where it does not."""
        from crmsh_py.clusters import pacemaker_answers as answers

        cib = self._latest or self.read_cib()
        seen = None
        keys: list[control.CmapKey] = []
        told = self._programs.run("corosync-quorumtool", "-s", timeout_s=ASK_TIMEOUT_S)
        # Without quorum it ends with 2, and tells all the same.
        if "Votequorum information" in told.out:
            seen = answers.quorum(told.out)
            keys = self.cmap("runtime.members") + self.cmap("nodelist")
        return answers.membership(cib, keys, seen)

    def cmap(self, prefix: str = "", *, map_name: str = "icmap") -> list[control.CmapKey]:
        """Corosync's keys, typed."""
        from crmsh_py.clusters.pacemaker_answers import cmap_keys

        words = ["-m", map_name, *([prefix] if prefix else [])]
        answer = self._programs.run("corosync-cmapctl", *words, timeout_s=ASK_TIMEOUT_S)
        if answer.code != 0 and "initialize" in answer.err + answer.out:
            from crmsh_py.clusters.pacemaker_trouble import unreachable

            raise unreachable(self._programs, answer)
        return cmap_keys(answer.out)

    def subsystems(self) -> control.SubsystemsReply:
        """The daemons of Pacemaker on the node."""
        from crmsh_py.clusters.pacemaker_trouble import processes

        return processes(self._programs).subsystems()

    def start_manager(self) -> None:
        """Start Pacemaker (and Corosync) on the node, by its service manager."""
        from crmsh_py.clusters import pacemaker_services as services

        services.start(self._programs)

    def stop_manager(self) -> None:
        """Stop Pacemaker: resources leave the node first."""
        from crmsh_py.clusters import pacemaker_services as services

        services.stop(self._programs, services.PACEMAKER)

    def wait_idle(self, *, timeout_s: float, version: Version | None = None) -> None:
        """Return when the DC has nothing left to do; TimedOut otherwise."""
        deadline = time.monotonic() + timeout_s
        settled: float | None = None
        while True:
            cib = self.read_cib()
            now = time.monotonic()
            if (version is None or cib.version >= version) and self._dc_is_idle(cib):
                settled = settled or now
                # The DC may be idle because it has not looked at the newest change yet.
                if not _has_work(cib) or now - settled > _SETTLED_S:
                    return
            else:
                settled = None
            if now > deadline:
                raise TimedOut(f"the cluster is still at work after {timeout_s:g} s")
            time.sleep(POLL_S)

    def _dc_is_idle(self, cib: Cib) -> bool:
        from crmsh_py.clusters.pacemaker_answers import node_name

        dc = node_name(cib, cib.root.get("dc-uuid"))
        if not dc:
            return False
        answer = self._programs.run("crmadmin", "--status", dc, timeout_s=ASK_TIMEOUT_S)
        return "S_IDLE" in answer.out

    def watch(self) -> Iterator[control.Changed]:
        """Changes as they come, seen once a second; ends when the node goes."""
        from crmsh_py.clusters.pacemaker_answers import node_name
        from crmsh_py.wire.control import Changed

        last: Mapping[str, str] | None = None
        while True:
            try:
                cib = self.read_cib()
            except ClusterUnreachable:
                return
            if cib.root.attrs != last:
                last = cib.root.attrs
                dc = node_name(cib, cib.root.get("dc-uuid"))
                yield Changed(version=cib.version.tuple, quorate=cib.quorate, dc=dc, idle=False)
            time.sleep(WATCH_S)

    def revisions(self, limit: int = 100) -> list[control.Revision]:
        """The configurations that this user has seen and committed, newest first."""
        return self._seen.revisions(self._latest or self.read_cib(), limit)

    def revision(self, admin_epoch: int, epoch: int) -> Cib:
        """One of them. Raises NotFound."""
        return self._seen.revision(self._latest or self.read_cib(), admin_epoch, epoch)

    # ---- one call --------------------------------------------------------------------------

    def _ask(self, program: str, *arguments: str, timeout_s: float = ASK_TIMEOUT_S) -> Answer:
        answer = self._programs.run(program, *arguments, timeout_s=timeout_s)
        self._checked(answer, program)
        return answer

    def _checked(self, answer: Answer, program: str) -> None:
        if answer.code != 0:
            from crmsh_py.clusters.pacemaker_trouble import refusal

            raise refusal(self._programs, program, answer)


def _never_fences(cib: Cib) -> bool:
    """Whether fencing is switched off, and there is no device either."""
    if cib.fencing_enabled:
        return False
    return all(p.get("class") != "stonith" for p in cib.section("resources").iter("primitive"))


def _perhaps(trouble: str) -> TimedOut:
    return TimedOut(
        f"{trouble}; the change may have been made all the same",
        hint="look at the configuration before you repeat it (crm configure show)",
    )


def _completed(cib: Cib) -> Cib:
    """The document with the sections that ACLs have hidden, empty: every CIB has them."""
    missing = [name for name in _REQUIRED if cib.configuration.find(name) is None]
    for name in missing:
        cib = cib.with_section(name, Element(name))
    return cib


def _has_work(cib: Cib) -> bool:
    from datetime import datetime

    from crmsh_py.scheduler.plan import plan

    return bool(plan(cib, now=datetime.now().astimezone()).actions)
