"""The agents of this machine: where they are, and what they say about themselves.

OCF agents are programs in ``$OCF_ROOT/resource.d/PROVIDER/``, fence agents are ``fence_*`` in the
directories for administrators' programs, LSB ones the scripts of ``/etc/init.d``, systemd's the
unit files. Only OCF and fence agents can be asked; for the others a description is made up from
what every agent of their class can do.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from crmsh_py.agents.cache import MetadataCache
from crmsh_py.agents.metadata import MAX_BYTES, AgentAction, AgentMetadata, parse_metadata
from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.regex import regex
from crmsh_py.value import field, frozen

OCF_ROOT = "/usr/lib/ocf"
TIMEOUT_S = 5.0
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_UNITS = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system")
_SHORT_DESCRIPTION = regex(r"^#\s*Short-Description:\s*(.+)$", re.MULTILINE)


@frozen
class Places:
    """Where agents are looked for."""

    ocf_root: Path = Path(OCF_ROOT)
    fence: tuple[Path, ...] = (Path("/usr/sbin"), Path("/usr/bin"))
    lsb: Path = Path("/etc/init.d")
    units: tuple[Path, ...] = tuple(map(Path, _UNITS))
    systemd: Path = Path("/run/systemd/system")  # is there where systemd is running

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Places:
        """The usual places, with ``OCF_ROOT`` from the environment."""
        return cls(ocf_root=Path(environ.get("OCF_ROOT") or OCF_ROOT))


@frozen
class InstalledAgents:
    """Finds agents, and asks them."""

    places: Places = field(default_factory=Places)
    cache: MetadataCache = field(default_factory=lambda: MetadataCache(None))
    timeout_s: float = TIMEOUT_S

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> InstalledAgents:
        """The agents of this machine as a user with this environment finds them."""
        return cls(Places.of(environ), MetadataCache.of_user(environ))

    @property
    def has_systemd(self) -> bool:
        """Whether systemd runs here."""
        return self.places.systemd.is_dir()

    def providers(self) -> tuple[str, ...]:
        """The providers of OCF agents."""
        return _directories(self.places.ocf_root / "resource.d")

    def types(self, standard: str, provider: str = "") -> tuple[str, ...]:
        """The types of a class (for ocf: of one provider), sorted."""
        if standard == "ocf":
            return _programs(self.places.ocf_root / "resource.d" / provider)
        if standard == "stonith":
            found = {name for place in self.places.fence for name in _programs(place, "fence_")}
            return tuple(sorted(found))
        if standard == "lsb":
            return _programs(self.places.lsb)
        if standard == "systemd":
            return self._units()
        if standard == "service":
            return tuple(sorted({*self.types("lsb"), *self.types("systemd")}))
        return ()

    def has(self, spec: AgentSpec) -> bool:
        """Whether the agent is installed."""
        return self.path(spec) is not None

    def path(self, spec: AgentSpec) -> Path | None:
        """The agent's file, None where it is not installed."""
        if spec.standard == "ocf":
            candidates = [self.places.ocf_root / "resource.d" / spec.provider / spec.type]
        elif spec.standard == "stonith":
            if not spec.type.startswith("fence_"):
                return None
            candidates = [place / spec.type for place in self.places.fence]
        elif spec.standard == "lsb":
            candidates = [self.places.lsb / spec.type]
        elif spec.standard == "systemd":
            unit = spec.type if spec.type.endswith(".service") else f"{spec.type}.service"
            units = (place / unit for place in self.places.units)
            return next((path for path in units if path.is_file()), None)
        elif spec.standard == "service":
            kinds = (AgentSpec(kind, "", spec.type) for kind in ("systemd", "lsb"))
            return next((p for kind in kinds if (p := self.path(kind))), None)
        else:
            return None
        return next((path for path in candidates if _is_program(path)), None)

    def metadata(self, spec: AgentSpec) -> AgentMetadata | None:
        """What an installed agent says; None when it is not installed.

        Raises CrmError kinds when it does not answer, or nothing that can be read.
        """
        path = self.path(spec)
        if path is None:
            return None
        if spec.standard not in ("ocf", "stonith"):
            return _service_metadata(spec, path)
        answer = self.cache.read(path)
        if answer is not None:
            return parse_metadata(answer, name=spec.type)
        answer = self._ask(spec, path)
        metadata = parse_metadata(answer, name=spec.type)
        self.cache.write(path, answer)  # only what could be read is remembered
        return metadata

    def text(self, spec: AgentSpec) -> bytes | None:
        """What an installed agent prints about itself, as it is; None for what prints nothing.

        Raises CrmError kinds when it does not answer.
        """
        path = self.path(spec)
        if path is None or spec.standard not in ("ocf", "stonith"):
            return None
        return self.cache.read(path) or self._ask(spec, path)

    def _ask(self, spec: AgentSpec, path: Path) -> bytes:
        from crmsh_py.agents.process import run  # an answer that is kept needs no processes

        fence = spec.standard == "stonith"
        environment = {
            "PATH": _SYSTEM_PATH,
            "LC_ALL": "C.UTF-8",
            "OCF_ROOT": str(self.places.ocf_root),
            "OCF_RA_VERSION_MAJOR": "1",
            "OCF_RA_VERSION_MINOR": "1",
            "OCF_RESOURCE_INSTANCE": spec.type,
            "OCF_RESOURCE_TYPE": spec.type,
            "OCF_RESOURCE_PROVIDER": spec.provider,
            "__OCF_ACTION": "meta-data",
        }
        command = [str(path), "-o", "metadata"] if fence else [str(path), "meta-data"]
        return run(command, environment=environment, timeout_s=self.timeout_s, max_bytes=MAX_BYTES)

    def _units(self) -> tuple[str, ...]:
        if not self.has_systemd:
            return ()
        names: set[str] = set()
        for place in self.places.units:
            try:
                names.update(n[:-8] for n in os.listdir(place) if n.endswith(".service"))
            except OSError:
                continue
        return tuple(sorted(names))


def _service_metadata(spec: AgentSpec, path: Path) -> AgentMetadata:
    """What Pacemaker assumes of every service of an operating system."""
    short = f"{spec.type} service"
    if path.suffix != ".service":
        try:
            found = _SHORT_DESCRIPTION.search(path.read_text("utf-8", "replace")[:8192])
        except OSError:
            found = None
        short = found.group(1).strip() if found else short
    timeout = "15s" if spec.standard == "lsb" else "100s"
    verbs = ("start", "stop", "status", "restart")
    return AgentMetadata(
        name=spec.type,
        shortdesc=short,
        actions=(
            *(AgentAction(name=verb, timeout=timeout) for verb in verbs),
            AgentAction(name="monitor", timeout=timeout, interval="15s"),
        ),
    )


def _directories(place: Path) -> tuple[str, ...]:
    try:
        with os.scandir(place) as entries:
            names = [e.name for e in entries if e.is_dir() and not e.name.startswith(".")]
    except OSError:
        return ()
    return tuple(sorted(names))


def _programs(place: Path, prefix: str = "") -> tuple[str, ...]:
    try:
        names = os.listdir(place)
    except OSError:
        return ()
    return tuple(
        sorted(
            name
            for name in names
            if name.startswith(prefix) and name[0] != "." and _is_program(place / name)
        )
    )


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
