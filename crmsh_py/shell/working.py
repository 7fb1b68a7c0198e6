"""The pending configuration: what was read, what it has become, and how it is committed.

Commands of the configure level change the working copy only. A commit checks it, then sends one
patch against the version that was read; what was refused stays pending. For every element typed
in this transaction its text is kept, so that a finding about it points into what was typed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum

from crmsh_py.errors import Conflict, Diagnostic
from crmsh_py.value import Value, frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crmsh_py.cib.document import Cib
    from crmsh_py.cib.findings import Finding
    from crmsh_py.cib.version import Version
    from crmsh_py.clusters.port import Cluster


@frozen
class Typed(Value):
    """The text that defined an element, and where it came from (line 0: typed by hand)."""

    text: str
    origin: str = ""
    line: int = 0

    def diagnostic(self, message: str, word: str = "", hint: str | None = None) -> Diagnostic:
        """A finding about this element, with the caret under ``word`` if it stands there.

        Else it is about the element as a whole, and under its name, as the message begins with it.
        """
        name = message.partition(":")[0]
        span = self._place(word) or self._place(name) or (0, len(self.text.split(" ", 1)[0]))
        return Diagnostic(
            message,
            source=self.text,
            span=span,
            hint=hint,
            origin=self.origin or None,
            line=self.line,
        )

    def _place(self, word: str) -> tuple[int, int] | None:
        """Where a word (or the last part of an agent's name) stands, by itself if it does."""
        import re  # only who has made a mistake needs it

        # A value may have been given its unit (5s), an agent its class and provider.
        number = re.sub(r"(?<=\d)s$", "", word)
        for wanted in dict.fromkeys((word, word.rpartition(":")[2], number)):
            if not wanted:
                continue
            alone = re.search(rf"(?<![\w.-]){re.escape(wanted)}(?![\w.-])", self.text)
            start = alone.start() if alone else self.text.find(wanted)
            if start >= 0:
                return start, start + len(wanted)
        return None


@frozen
class Judged(Value):
    """What the checks of objects by themselves said of one document (``only`` these objects)."""

    cib: Cib
    only: frozenset[str] | None
    findings: tuple[Finding, ...]


class Whole(Enum):
    """How a whole configuration is committed: over an unchanged one only, or over any."""

    UNCHANGED = "unchanged"
    FORCED = "forced"


class WorkingCopy:
    """One transaction over one cluster's configuration.

    The configuration is read once for every command while nothing is pending, so that what others
    changed is seen, and that a command thinks about one document.
    """

    def __init__(self, cluster: Callable[[], Cluster]) -> None:
        self._cluster = cluster
        self._base: Cib | None = None
        self._edited: Cib | None = None
        self._refused: Cib | None = None
        self._was_read = False  # for the command that runs
        self._compared: tuple[Cib, bool] | None = None  # an edited document: is it different?
        self.typed: dict[str, Typed] = {}
        self.judged: Judged | None = None
        self.told: set[str] = set()  # what was wrong before, and has been said

    @property
    def pending(self) -> bool:
        """Whether there is anything to commit."""
        if self._base is None or self._edited is None or self._edited is self._base:
            return False
        if self._compared is None or self._compared[0] is not self._edited:
            from crmsh_py.cib.diff import diff  # much, and only where something was edited

            self._compared = self._edited, bool(diff(self._base, self._edited))
        return self._compared[1]

    @property
    def edited(self) -> Cib | None:
        """What is pending, without asking the cluster; None if nothing is."""
        return self._edited if self.pending else None

    @property
    def refused(self) -> bool:
        """Whether just this was refused before: committing it again would only say so again."""
        return self._refused is not None and self._refused is self._edited

    def refresh(self) -> None:
        """Drop what is pending; the next look reads the cluster again."""
        self._base = self._edited = self._refused = self._compared = None
        self._was_read = False
        self.typed.clear()

    def begin(self) -> None:
        """A command begins: it looks at the cluster as it is now."""
        self._was_read = False

    @property
    def base(self) -> Cib:
        """What the cluster had when this transaction began, with its status section."""
        self.cib()
        assert self._base is not None
        return self._base

    def cib(self) -> Cib:
        """The configuration as it is now: edited, or fresh from the cluster if nothing is."""
        if not self.pending and not (self._was_read and self._base is not None):
            self._base = self._edited = self._cluster().read_cib()
            self._was_read = True
            self.typed.clear()
        assert self._edited is not None
        return self._edited

    def at_present(self) -> Cib:
        """``cib()`` with the cluster's state of this moment: nodes may have died since the
        transaction began.
        """
        cib = self.cib()
        return with_state_of(self._cluster().read_cib(), cib) if self.pending else cib

    def edit(self, cib: Cib, typed: Iterable[tuple[str, Typed]] = ()) -> None:
        """Take an edited document; ``typed`` are the elements that were written for it."""
        assert self._base is not None, "an edit begins with cib()"
        self._edited = cib
        self.typed.update(typed)

    def commit(
        self, *, client: str, force_no_quorum: bool = False, whole: Whole | None = None
    ) -> Version:
        """Send the changes as one patch. Raises Conflict, NoQuorum, ConfigError …: then all
        changes are still pending, and nothing of them is in the cluster.

        ``whole`` sends the configuration instead of what was changed in it.
        """
        assert self._base is not None
        assert self._edited is not None
        from crmsh_py.cib.diff import diff

        base, configuration = self._base, self._edited.configuration
        if whole is not None:
            base = self._cluster().read_cib()
            if whole is Whole.UNCHANGED and base.configuration != self._base.configuration:
                raise Conflict(
                    "somebody else has changed the configuration since it was read",
                    hint="commit merges both; commit force replace undoes what they did",
                )
        # The status section is the cluster's own; a patch must not touch it.
        edited = base.with_section("configuration", configuration)
        edited = edited.with_attributes({"validate-with": self._edited.schema or None})
        patch = diff(base, edited)
        version = self._cluster().commit(patch, client=client, force_no_quorum=force_no_quorum)
        self.refresh()
        return version

    def mark_refused(self) -> None:
        """Remember that this very state was refused."""
        self._refused = self._edited


def with_state_of(now: Cib, cib: Cib) -> Cib:
    """A configuration with the state of a cluster: its status section, its quorum and its DC."""
    state = {name: now.root.get(name) or None for name in ("have-quorum", "dc-uuid")}
    return cib.with_status(now.status).with_attributes(state)
