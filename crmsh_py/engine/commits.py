"""Commits on their way: from a client's request to the disks of a majority.

    WAITING   no view in which it could be made (yet); sent when one is active
    SENT      in the stream of this view; after a change of view it waits again
    APPLIED   made: in this node's configuration, not yet on the disks of a majority

Rules:

1. A commit is answered ``Committed`` when members with the votes of a quorum have reported
   ``Stored`` of its version, or a later one, in the view that we are in; and of the same
   configuration as ours, else it is another commit that they have stored.
2. In a new view a commit is sent again only where it is certain that it was not made: this node
   held what the view began with, or the ids that are told (``Summary.recent``) reach back to
   before it was sent. To make one again could undo what others have made of it since.
3. Without quorum a commit is refused with NoQuorum, unless it is forced; one that was already
   APPLIED when quorum was lost is refused too, saying that it may take effect later.
4. Nothing waits for ever: ``PATIENCE_S``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from crmsh_py.cib.version import Version
from crmsh_py.engine.conflicts import written_text
from crmsh_py.engine.deadlines import soonest
from crmsh_py.engine.outbox import Continuation, Outbox
from crmsh_py.engine.replica import Replica
from crmsh_py.engine.views import Views
from crmsh_py.engine.writers import NOBODY_LIMITED, Writer
from crmsh_py.errors import CrmError, NoQuorum, TimedOut
from crmsh_py.wire.control import Committed
from crmsh_py.wire.stream import MAX_COUNT, MAX_PATCH, CommitId, ConfigChange, Stored, VersionTuple

PATIENCE_S = 25.0  # a client waits 30 s; longer than token + consensus of slow configurations
MAX_PENDING = 1000
_MOST_DIGESTS = 1000  # beyond that disks are so late that they are not compared
_LOOK = "it may still take effect: look at crm configure show"


class Stage(Enum):
    """How far a commit has come."""

    WAITING = "waiting"
    SENT = "sent"
    APPLIED = "applied"


class Fate(Enum):
    """What became of a commit in the views before."""

    MADE = "made"
    NOT_MADE = "not made"
    UNKNOWN = "unknown"


@dataclass(slots=True, kw_only=True)
class Pending:
    """A commit of this node that nobody has been answered for yet. Ticket 0: the node's own."""

    ident: CommitId
    ticket: int
    patch: str
    source: tuple[int, int, int]
    author: str
    client: str
    force: bool
    writer: Writer
    deadline: float
    stage: Stage = Stage.WAITING
    version: Version | None = None
    was_sent: bool = False
    after: CommitId | None = None  # the newest commit that was in when it was sent


class Commits:
    """The commits that came in at this node, and everybody's reports of what is stored."""

    def __init__(
        self, node_id: int, replica: Replica, views: Views, outbox: Outbox, *, seed: int
    ) -> None:
        self._node_id = node_id
        self._replica = replica
        self._views = views
        self._out = outbox
        # By which commits of this run are told from those of others; a clock may repeat itself.
        self._run = seed % MAX_COUNT
        self._count = 0
        self._pending: dict[CommitId, Pending] = {}
        self._stored: dict[int, Stored] = {}
        self._strange: dict[int, Stored] = {}  # of a configuration that was never ours
        self._digests: dict[VersionTuple, str] = {}  # of what was ours in this view, the newest

    def next_deadline(self) -> float | None:
        """When the first pending commit has waited too long."""
        return soonest([each.deadline for each in self._pending.values()])

    # ---- requests ------------------------------------------------------------------------------

    def next_ident(self) -> CommitId:
        """An id that no commit of this cluster has had."""
        self._count += 1
        return (self._node_id, self._run, self._count)

    def submit(
        self,
        *,
        patch: str,
        source: Version,
        author: str,
        client: str,
        ticket: int = 0,
        force: bool = False,
        writer: Writer = NOBODY_LIMITED,
    ) -> None:
        """Take a commit; its answer comes later. The patch has been checked by the caller."""
        if ticket and self._is_full(patch):
            self._out.refuse(ticket, TimedOut("too many commits are waiting on this node"))
            return
        pending = Pending(
            ident=self.next_ident(),
            ticket=ticket,
            patch=patch,
            source=source.tuple,
            author=author,
            client=client,
            force=force,
            writer=writer,
            deadline=self._out.now + PATIENCE_S,
        )
        self._pending[pending.ident] = pending
        if self._views.active:
            self._send(pending)

    def _is_full(self, patch: str) -> bool:
        """Whether clients have given as much as may wait: the rest of the ring's queue is ours."""
        waiting = [len(each.patch) for each in self._pending.values()]
        return len(waiting) >= MAX_PENDING or (
            bool(waiting) and sum(waiting) + len(patch) > MAX_PATCH
        )

    def client_gone(self, ticket: int) -> None:
        """Nobody waits for this answer any more; the commit itself goes on."""
        for pending in self._pending.values():
            if pending.ticket == ticket:
                pending.ticket = 0

    def _send(self, pending: Pending) -> None:
        forced = not self._views.setting.quorate
        if forced and not pending.force:
            applied = pending.stage is Stage.APPLIED
            self._refuse(pending, no_quorum(applied, hollow=self._views.setting.hollow))
            return
        pending.stage = Stage.SENT
        pending.was_sent = True
        pending.after = next(iter(self._replica.commits[-1:]), None)
        self._out.multicast(
            ConfigChange(
                view=self._views.view,
                ident=pending.ident,
                patch=pending.patch,
                source=pending.source,
                author=pending.author,
                client=pending.client,
                time=int(self._out.wall),
                written=written_text(self._out.wall),
                forced=forced,
                user=pending.writer.user,
                groups=list(pending.writer.groups),
            ),
            safe=True,
        )

    # ---- the stream ----------------------------------------------------------------------------

    def on_change(self, change: ConfigChange, *, origin: str) -> bool:
        """A change comes in its place of the stream; True when it made a revision."""
        if not self._views.active or change.view != self._views.view:
            return False  # its origin sends it again when the view is made
        if not self._views.setting.quorate and not change.forced:
            return False
        pending = self._pending.get(change.ident)
        try:
            saved = self._replica.apply_change(
                change, origin=origin, term=self._views.revision_term
            )
        except CrmError as error:
            if pending:
                self._refuse(pending, error)
            return False
        if pending:
            pending.stage = Stage.APPLIED
            pending.version = self._replica.version
        if saved is None:
            self._settle()
            return False
        self._note_digest()
        self._out.persist(saved, then=self._announcement())
        return True

    def on_stored(self, sender: int, stored: Stored) -> None:
        """A member reports what it has on its disk."""
        if stored.view != self._views.view:
            return
        self._strange.pop(sender, None)
        if not self._is_strange(stored):
            self._stored[sender] = stored
            self._settle()
            return
        self._strange[sender] = stored
        if self._views.majority(self._strange):  # then it is this node's copy that is bad
            version = self._replica.version
            self._out.log("error", "CIB", f"This node's configuration {version} is not the others'")
            self._strange = {}
            self._views.ask()

    def _is_strange(self, stored: Stored) -> bool:
        """Whether this node has come past that version and had something else, or none of it.

        Whoever has stored a version has made it in an earlier place of the stream.
        """
        oldest = next(iter(self._digests), None)
        if not self._views.active or oldest is None or stored.version < oldest:
            return False
        return self._digests.get(stored.version) != stored.digest

    def _note_digest(self) -> None:
        self._digests[self._replica.config.version.tuple] = self._replica.digest
        if len(self._digests) > _MOST_DIGESTS:
            del self._digests[next(iter(self._digests))]

    def is_durable(self, version: Version) -> bool:
        """Whether a majority of this view has reported that it has this version on its disks."""
        wanted = version.tuple[:2]
        return self._views.majority(
            {n: s for n, s in self._stored.items() if s.version[:2] >= wanted}
        )

    def begin_view(self) -> None:
        """A new ring: what was sent may not have arrived."""
        self._stored = {}
        self._strange = {}
        for pending in self._pending.values():
            if pending.stage is Stage.SENT:
                pending.stage = Stage.WAITING

    def activated(self) -> None:
        """The view is active: report what is stored, and send what is waiting."""
        # Writes end in their order: when this one is done, all before it are, and what the view
        # ratified is on the disk too.
        self._out.persist(then=self._announcement())
        self._digests = {}
        self._note_digest()
        included = frozenset(self._replica.commits)
        for pending in list(self._pending.values()):
            match self._fate(pending, included):
                case Fate.MADE if self._views.setting.quorate or pending.force:
                    pending.stage = Stage.APPLIED
                    pending.version = self._replica.version
                case Fate.MADE:
                    self._refuse(pending, no_quorum(applied=True))
                case Fate.NOT_MADE if pending.stage is not Stage.SENT:  # else it is still to come
                    self._send(pending)
                case Fate.UNKNOWN:
                    self._refuse(
                        pending,
                        TimedOut(
                            "the others have gone on, and it is not known whether with this commit",
                            hint=_LOOK,
                        ),
                    )

    def _fate(self, pending: Pending, included: Collection[CommitId]) -> Fate:
        """What became of a commit, by the ids that the view's configuration is known to include."""
        held = self._views.held_its_beginning
        if pending.ident in included or (held and pending.stage is Stage.APPLIED):
            return Fate.MADE
        if held or not pending.was_sent or pending.after in included:
            return Fate.NOT_MADE
        return Fate.UNKNOWN

    def handle_timer(self) -> None:
        """Give up what has waited too long."""
        for pending in list(self._pending.values()):
            if pending.deadline <= self._out.now:
                self._refuse(
                    pending,
                    TimedOut(
                        "the commit was not stored by a majority in time",
                        hint=_LOOK,
                    ),
                )

    def _announcement(self) -> Continuation:
        """What to tell when everything up to now is on the disk, if the view is still the same.

        In another view it must not count: there the same revision has to be ratified first.
        """
        stored = Stored(
            view=self._views.view,
            version=self._replica.config.version.tuple,
            digest=self._replica.digest,
        )

        def announce() -> None:
            if self._views.active and self._views.view == stored.view:
                self._out.multicast(stored)

        return announce

    def _settle(self) -> None:
        """Answer every commit that is on the disks of a majority."""
        if not self._views.active:
            return  # what this node holds may be another thing soon
        for pending in list(self._pending.values()):
            version = pending.version
            if pending.stage is not Stage.APPLIED or version is None:
                continue
            wanted = version.tuple[:2]
            holders = {n: s for n, s in self._stored.items() if s.version[:2] >= wanted}
            enough = self._views.majority(holders)
            if not self._views.setting.quorate:
                enough = self._node_id in holders  # forced: nobody else can be waited for
            if enough:
                del self._pending[pending.ident]
                if pending.ticket:
                    self._out.reply(pending.ticket, Committed(version=version.tuple))

    def _refuse(self, pending: Pending, error: CrmError) -> None:
        self._pending.pop(pending.ident, None)
        if pending.ticket:
            self._out.refuse(pending.ticket, error)
        else:
            self._out.log("info", "CIB", f"The node's own change was not made: {error}")


def no_quorum(applied: bool = False, *, hollow: bool = False) -> NoQuorum:
    """The error of a commit on a side without quorum (``hollow``: for want of full disks)."""
    if applied:
        return NoQuorum(
            "quorum was lost before a majority had stored the commit",
            hint="it may still take effect when the nodes are together again",
        )
    if hollow:
        return NoQuorum(
            "this partition has quorum only with nodes whose disks are empty, perhaps wiped:"
            " the configuration is not changed",
            hint="start more nodes: what was committed may be on their disks alone",
        )
    return NoQuorum(
        "this partition has no quorum: the configuration is not changed",
        hint="after a disaster, and only then: --force-no-quorum",
    )
