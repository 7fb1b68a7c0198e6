"""The node's copy of the CIB, as a value that moves from revision to revision.

The configuration is what is stored, compared and committed; the status section, its counter
(``num_updates``) and the facts about the membership (``have-quorum``, ``dc-uuid``) live in memory
only and are put around it when somebody reads.

Rules:

1. ``apply_change`` is a function of the configuration and the message alone: equal configurations
   and equal messages give equal configurations on every node.
2. A configuration is named by its digest; the last revisions are kept with the patches between
   them, so that a node that missed a few gets the difference instead of everything.
3. Nothing is written, sent or acknowledged here: see ``commits`` and ``views``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from crmsh_py.cib.checks import broken_by
from crmsh_py.cib.diff import Patch, apply, diff
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.patch import Operation
from crmsh_py.cib.version import Version
from crmsh_py.engine.api import SaveRevision
from crmsh_py.engine.conflicts import explained
from crmsh_py.engine.status import attributes_of, node_by_name
from crmsh_py.engine.writers import NOBODY_LIMITED, Writer
from crmsh_py.errors import ConfigError, Conflict
from crmsh_py.value import replace
from crmsh_py.wire.stream import MAX_COUNT, MAX_PATCH, CommitId, ConfigChange, Step

RECENT_REVISIONS = 500  # kept in memory to bring a node up by difference
RECENT_BYTES = 8 * 1024 * 1024  # of their patches: beyond that the whole CIB is no more to send
RECENT_COMMITS = 128  # told in summaries, so that nobody repeats what is already in
# A document must fit into a message to a node that joins, and be read at the next start: 64 MiB
# are the most there, and what several nodes submit at the same time comes on top.
MOST_BYTES = 48 * 1024 * 1024
_MEASURED_EVERY = 1024 * 1024  # characters of patches: to measure takes a moment
_MOST_ADMIN_EPOCH = 2**31 - 1  # Pacemaker's; beyond it nodes could not tell each other either
_MOST_OF_A_NAME = 900  # of 1024 that nodes can tell: names of operations are made of it
_MOST_OF_A_VALUE = 126 * 1024  # of 128 KiB of a variable of an agent's environment, with its name
_NAMES = frozenset({"id", "name", "uname", "class", "provider", "type"})
_MEMBERSHIP_FACTS = ("have-quorum", "dc-uuid", "execution-date")


class Replica:
    """The CIB of one node."""

    def __init__(self, config: Cib, revision_term: int, *, forced: bool = False) -> None:
        self.config = bare(config)
        self.revision_term = revision_term
        self.forced = forced  # its newest revision was committed without quorum
        self.num_updates = 0
        self.status = Element("status")
        self._facts: dict[str, str | None] = {"have-quorum": "0"}
        self._recent: deque[Step] = deque()
        self._recent_bytes = 0
        self._grown = 0  # characters of patches since the document was measured
        self._commits: deque[CommitId] = deque(maxlen=RECENT_COMMITS)
        self._whole: Cib | None = None

    # ---- reading -------------------------------------------------------------------------------

    @property
    def version(self) -> Version:
        """The version of the configuration with the counter of status changes."""
        return replace(self.config.version, num_updates=self.num_updates)

    @property
    def digest(self) -> str:
        """The digest of the configuration."""
        return self.config.digest

    @property
    def cib(self) -> Cib:
        """The whole document with status, as clients and the scheduler read it."""
        if self._whole is None:
            attributes = {**self._facts, "num_updates": str(self.num_updates)}
            whole = self.config.with_attributes(attributes)
            self._whole = whole.with_status(self.status)
        return self._whole

    @property
    def commits(self) -> list[CommitId]:
        """The newest commits that this configuration contains."""
        return list(self._commits)

    def steps_from(self, digest: str) -> list[Step] | None:
        """The steps from an earlier configuration to this one; None when it is not known."""
        if digest == self.digest:
            return []
        steps: list[Step] = []
        for step in reversed(self._recent):
            steps.append(step)
            if step.base == digest:
                return steps[::-1]
        return None

    # ---- membership and status -----------------------------------------------------------------

    def set_facts(self, *, quorate: bool, dc: str) -> None:
        """Tell readers whether this side has quorum and which node id is the DC ('' for none)."""
        facts: dict[str, str | None] = {"have-quorum": "1" if quorate else "0"}
        facts["dc-uuid"] = dc or None
        if facts != self._facts:
            self._facts = facts
            self._whole = None

    def attribute(self, node: str, name: str) -> str | None:
        """A transient attribute of a node, by its name, as the status has it."""
        state = node_by_name(self.status, node)
        return None if state is None else attributes_of(state).get(name)

    def set_status(self, status: Element) -> bool:
        """Put a new status section; counts it if it is another one."""
        if status is self.status:
            return False
        self.status = status
        self.num_updates += 1
        self._whole = None
        return True

    def restart_status(self, status: Element, num_updates: int) -> None:
        """The status that a new view begins with; all members give the same number."""
        self.status = status
        self.num_updates = num_updates
        self._whole = None

    # ---- configuration -------------------------------------------------------------------------

    def apply_change(self, change: ConfigChange, *, origin: str, term: int) -> SaveRevision | None:
        """Make the next revision; None when the patch changes nothing.

        Raises:
            Conflict: somebody else changed what it touches.
            NotPermitted: access control lists forbid it, as they are now.
            ConfigError, SyntaxProblem: it is no patch of a configuration.
        """
        patch = Patch.from_xml(change.patch)
        writer = Writer(change.user, tuple(change.groups))
        new = self._merged(patch, writer)
        if new is not None:
            writer.check(self.config.root, new.root, forced=change.forced)
        self._commits.append(change.ident)
        if new is None:
            return None
        new = new.with_attributes(
            {
                "cib-last-written": change.written,
                "update-origin": origin,
                "update-client": change.client or None,
                "update-user": change.author or None,
            }
        )
        patch_text = diff(self.config, new).to_xml()
        step = Step(
            base=self.digest,
            patch=patch_text,
            time=change.time,
            forced=change.forced,
            author=change.author,
            client=change.client,
            origin=origin,
        )
        saved = self._saved(self.config, new, step, term)
        self._remember(step)
        self._replace(new, term)
        self.forced = change.forced
        return saved

    def check(self, patch: Patch, writer: Writer = NOBODY_LIMITED) -> Cib:
        """The configuration as ``patch`` would make it, before anything is sent.

        Raises Conflict and ConfigError as ``apply_change`` does.
        """
        return self._merged(patch, writer) or self.config

    def check_size(self, new: Cib, length: int) -> None:
        """Whether a configuration can be told and stored; ``length`` is that of its patch.

        Asked by who submits it. Raises ConfigError.
        """
        if length > MAX_PATCH:
            raise ConfigError(
                f"this change has {_mib(length)}", hint=f"make it in parts of {_mib(MAX_PATCH)}"
            )
        if self._grown + length < _MEASURED_EVERY:
            return
        size = len(new.to_xml(indent=None))
        if size > MOST_BYTES:
            raise ConfigError(
                f"the configuration would have {_mib(size)}: {_mib(MOST_BYTES)} are the most",
                hint="put long values into files, and give their names",
            )
        self._grown = 0

    def _merged(self, patch: Patch, writer: Writer) -> Cib | None:
        try:
            new = _next(self.config, patch)
            if new is not None and patch.source.tuple[:2] != self.config.version.tuple[:2]:
                _check_merged(self.config, new)
        except Conflict as error:
            told = explained(error, patch, self._recent)
            raise writer.told(self.config.root, told) from None
        return new

    def ratify(self, term: int) -> None:
        """This configuration is what a primary view of ``term`` starts from."""
        self.revision_term = term
        self.forced = False

    def follow(
        self, steps: Sequence[Step], digest: str, revision_term: int, *, forced: bool
    ) -> list[SaveRevision] | None:
        """Take the steps from this configuration on; None if they do not lead to ``digest``.

        Raises Conflict and ConfigError where a step does not fit; nothing is changed then.
        """
        config = self.config
        taken: list[tuple[Step, SaveRevision]] = []
        for step in steps:
            if step.base != config.digest:
                continue
            new = bare(apply(config, Patch.from_xml(step.patch)))
            taken.append((step, self._saved(config, new, step, revision_term)))
            config = new
        if config.digest != digest:
            return None
        for step, _ in taken:
            self._remember(step)
        self._replace(config, revision_term)
        self.forced = forced
        return [saved for _, saved in taken]

    def adopt(self, config: Cib, revision_term: int, *, forced: bool) -> None:
        """Take another node's configuration instead of this one."""
        self._recent.clear()
        self._recent_bytes = 0
        self._replace(bare(config), revision_term)
        self.forced = forced

    def adopt_commits(self, commits: Sequence[CommitId]) -> None:
        """Take over what the winner's configuration contains."""
        self._commits.clear()
        self._commits.extend(commits)

    def saved_whole(self, *, origin: str, time: int) -> SaveRevision:
        """The revision to store when the configuration came whole from another node."""
        root = self.config.root
        return SaveRevision(
            version=self.config.version.tuple,
            term=self.revision_term,
            digest=self.digest,
            author=root.get("update-user"),
            client=root.get("update-client"),
            origin=root.get("update-origin") or origin,
            time=time,
            cib=self.config.to_xml(),
            forced=self.forced,
        )

    def _replace(self, config: Cib, revision_term: int) -> None:
        if config.version != self.config.version:
            self.num_updates = 0
        self.config = config
        self.revision_term = revision_term
        self._whole = None

    def _saved(self, old: Cib, new: Cib, step: Step, term: int) -> SaveRevision:
        root = new.root
        # The configuration that a new disk starts from is stored nowhere: the first is whole.
        first = old.version == Version()
        return SaveRevision(
            version=new.version.tuple,
            term=term,
            digest=new.digest,
            author=root.get("update-user"),
            client=root.get("update-client"),
            origin=root.get("update-origin"),
            time=step.time,
            patch="" if first else step.patch,
            cib=new.to_xml() if first else "",
            forced=step.forced,
        )

    def _remember(self, step: Step) -> None:
        self._recent.append(step)
        self._recent_bytes += len(step.patch)
        self._grown += len(step.patch)
        while len(self._recent) > RECENT_REVISIONS or self._recent_bytes > RECENT_BYTES:
            self._recent_bytes -= len(self._recent.popleft().patch)


def _mib(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"


def bare(cib: Cib) -> Cib:
    """The configuration alone: no status, no membership facts, num_updates 0."""
    if cib.root.find("status") is not None:
        cib = cib.without_status()
    changes: dict[str, str | None] = dict.fromkeys(_MEMBERSHIP_FACTS)
    if any(name in cib.root.attrs for name in _MEMBERSHIP_FACTS):
        cib = cib.with_attributes(changes)
    return cib.with_version(replace(cib.version, num_updates=0))


def _next(config: Cib, patch: Patch) -> Cib | None:
    if max(patch.source.tuple) > MAX_COUNT:
        raise ConfigError(f"no cluster has had version {patch.source} of its configuration")
    if patch.touches("/cib/status"):
        raise ConfigError("a commit changes the configuration, not the status")
    _check_lengths(patch)
    changed = bare(apply(config, patch))
    raised = max(config.version.admin_epoch, patch.target.admin_epoch)
    if patch.target.admin_epoch == patch.source.admin_epoch:
        raised = config.version.admin_epoch
    if raised > max(_MOST_ADMIN_EPOCH, config.version.admin_epoch):
        raise ConfigError(
            f"admin_epoch cannot be {raised}",
            hint=f"{_MOST_ADMIN_EPOCH} is the most; it is enough to raise it by one",
        )
    same = changed.configuration == config.configuration and changed.schema == config.schema
    if same and raised == config.version.admin_epoch:
        return None
    epoch = config.version.epoch + 1
    return changed.with_version(Version(raised, epoch, 0))


def _check_lengths(patch: Patch) -> None:
    """What no node could tell another, or no agent be given, must not come in: it stops the DC."""
    for change in patch.changes:
        for attribute in change.attributes:
            _check_length(attribute.name, attribute.new or "", change.path)
        if change.operation is Operation.CREATE and change.element is not None:
            for element in change.element.iter():
                for name, value in element.attrs.items():
                    _check_length(name, value, element.get("name") or element.id or element.tag)


def _check_length(name: str, value: str, place: str) -> None:
    if name in _NAMES and len(value) > _MOST_OF_A_NAME:
        raise ConfigError(
            f"this {name} has {len(value)} characters: {value[:40]}…",
            hint=f"{_MOST_OF_A_NAME} are the most",
        )
    if name == "value" and len(value.encode("utf-8", "replace")) > _MOST_OF_A_VALUE:
        raise ConfigError(
            f"the value of {place} has {len(value)} characters, too many to be given to an agent",
            hint=f"{_MOST_OF_A_VALUE} bytes are the most: put it into a file, and give its name",
        )


def _check_merged(old: Cib, new: Cib) -> None:
    """Two changes that do not touch may still not fit: one deletes what the other refers to."""
    for finding in broken_by(old, new):
        raise Conflict(f"after what was changed meanwhile: {finding}", hint=finding.hint)
