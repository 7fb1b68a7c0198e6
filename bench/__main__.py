"""``make bench``: our commands beside Pacemaker's and crmsh's own, in the same run.

Every row is a command, its CPU seconds with us and with the peer (medians), their ratio, and the
ratio that is promised. Peers are Debian's ``pacemaker-cli-utils`` and ``crmsh``; where one is not
installed, only our seconds are shown. Options: ``--only WORD`` (sections or rows with that word),
``--runs N``, ``--long`` (also what takes the peers minutes).
"""

from __future__ import annotations

import argparse
import compileall
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from measure import Cost, cost, first_prompt, ours, peer

KINDS = ("plain", "group", "pairs", "clone")
EMPTY = ("plain", "3", "0", "noprobe")


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement: what for, the arguments of both programs, and the ratio that is promised."""

    section: str
    name: str
    program: str
    arguments: tuple[str, ...]
    source: tuple[str, ...]  # what clusters.py makes the document from, anew before every run
    promise: float | None = None
    promise_s: float | None = None  # CPU seconds that we may use at most
    peer: bool = True
    text: tuple[str, ...] = ()  # the same for {text}: lines to be loaded
    theirs: tuple[str, ...] = ()  # the peer's arguments, where they are others
    prompt: bool = False  # an interactive program, measured until its prompt


def scheduler(*, long: bool) -> Iterator[Row]:
    """Plans of whole clusters, and whole simulated runs."""
    sizes = [("fresh", 3, 100), ("fresh", 8, 250), ("fresh", 16, 1000)]
    sizes += [("noprobe", 16, 1000), ("noprobe", 32, 2000), ("noprobe", 32, 5000)]
    sizes += [("probed", 16, 1000)]
    for state, nodes, resources in sizes:
        for kind in KINDS:
            if kind != "plain" and (nodes, resources) not in ((16, 1000), (32, 2000)):
                continue
            large = state == "fresh" and resources >= 1000
            promise = None if state == "fresh" and not large else 1 / 5 if large else 1.0
            yield Row("plan", f"{state} {kind} {nodes}×{resources}", "crm_simulate",
                      ("-x", "{cib}", "-R"), (kind, str(nodes), str(resources), state),
                      promise, peer=long or not large or kind == "plain")  # fmt: skip
    for nodes, resources, promise in ((3, 100, 1 / 5), (16, 1000, None)):
        yield Row("run", f"fresh plain {nodes}×{resources}", "crm_simulate",
                  ("-x", "{cib}", "-S"), ("plain", str(nodes), str(resources), "fresh"),
                  promise, 10.0 if promise is None else None, peer=resources <= 100)  # fmt: skip


def configure(*, long: bool) -> Iterator[Row]:
    """Showing and loading configurations."""
    for resources, constraints in ((10, 4), (1000, 200), (10_000, 2_000)):
        size = f"{resources}+{constraints}"
        with_peer = long or resources <= 1000
        numbers = (str(resources), str(constraints))
        yield Row("show", size, "crm", ("configure", "show"), ("configured", *numbers),
                  {10: 1 / 4, 1000: 1 / 8}.get(resources), {10: 0.15}.get(resources),
                  peer=with_peer)  # fmt: skip
        yield Row("load", size, "crm", ("-F", "configure", "load", "update", "{text}"), EMPTY,
                  1 / 10 if resources == 1000 else None, peer=with_peer,
                  text=("commands", *numbers))  # fmt: skip


def tools(*, long: bool) -> Iterator[Row]:
    """Whole processes of the commands that people type most, on a small cluster."""
    small = ("group", "3", "20", "probed")
    for name, program, arguments in (
        ("crm_mon -1", "crm_mon", ("-1",)),
        ("crm_verify -L -V", "crm_verify", ("-x", "{cib}", "-V")),
        ("crm_simulate -L -S", "crm_simulate", ("-x", "{cib}", "-S")),
        ("crm_resource --list", "crm_resource", ("--list",)),
        ("cibadmin -Q", "cibadmin", ("-Q",)),
        ("crm status", "crm", ("status",)),
        ("crm configure show", "crm", ("configure", "show")),
        ("crm resource status", "crm", ("resource", "status")),
        ("crm help configure primitive", "crm", ("help", "configure", "primitive")),
    ):
        yield Row(
            "tools", name, program, arguments, small, promise_s=0.15, peer=name != "crm status"
        )


def shell(*, long: bool) -> Iterator[Row]:
    """The interactive shell up to its first prompt, help, and completion for bash."""
    small = ("group", "3", "20", "probed")
    yield Row("shell", "first prompt", "crm", (), small, promise_s=0.4, prompt=True)
    yield Row("shell", "help", "crm", ("help", "configure", "primitive"), small, 1 / 10, 0.15)
    for line in ("crm resource ", "crm configure primitive x ocf:heartbeat:IPaddr2 params "):
        yield Row("shell", f"TAB after “{line.strip()}”", "crm", ("--complete", "bash", line),
                  small, 1 / 2, 0.15, theirs=("--compgen", str(len(line)), line))  # fmt: skip


def _make(words: tuple[str, ...], file: Path) -> None:
    """Let another process make a document: what this one has used would count as a command's."""
    maker = Path(__file__).with_name("clusters.py")
    with file.open("wb") as out:
        subprocess.run([sys.executable, maker, *words], stdout=out, check=True)


def measure(row: Row, folder: Path, runs: int) -> tuple[Cost, Cost | None]:
    """What a row costs us, and the peer where there is one."""
    cib, text = folder / "cib.xml", folder / "text.crm"
    pristine = folder / "pristine.xml"
    _make(row.source, pristine)
    if row.text:
        _make(row.text, text)
    arguments = [word.format(cib=cib, text=text) for word in row.arguments]

    def restore() -> None:
        shutil.copyfile(pristine, cib)

    def of(program: str, arguments: list[str]) -> Cost:
        environ = {"CIB_file": str(cib), "CIB_shadow": "", "LC_ALL": "C.UTF-8"}
        if row.program == "crm_simulate":
            environ.pop("CIB_file")
        if row.prompt:
            return first_prompt([program, *arguments], runs=runs, environ=environ)
        return cost([program, *arguments], runs=runs, environ=environ, before=restore)

    theirs = peer(row.program) if row.peer else None
    others = list(row.theirs) or arguments
    return of(ours(row.program), arguments), of(theirs, others) if theirs else None


def verdict(row: Row, mine: Cost, theirs: Cost | None) -> str:
    """The promise, and whether it is kept."""
    kept = True
    promises = []
    if row.promise is not None and theirs is not None:
        promises.append(f"≤ {row.promise:.2f}")
        kept &= mine.cpu_s <= row.promise * theirs.cpu_s
    if row.promise_s is not None:
        promises.append(f"≤ {row.promise_s:g} s")
        kept &= mine.cpu_s <= row.promise_s
    return f"{', '.join(promises)}{'' if kept else ' MISSED'}" if promises else ""


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--only", default="", help="sections or rows with this word")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--long", action="store_true", help="also what takes the peers minutes")
    options = parser.parse_args()
    for program in ("crm_simulate", "crm"):
        print(f"peer {program}: {peer(program) or 'not installed: only our figures'}")
    print("\n| what | ours, CPU s | peer, CPU s | ratio | memory, MB (peer) | promised |")
    print("|---|---|---|---|---|---|")
    # Installed programs are compiled already; ours in a working copy are by their first run, unless
    # this machine forbids it. Without that, every run would measure Python's compiler.
    compileall.compile_dir(Path(__file__).parents[1] / "crmsh_py", quiet=2)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        for part in (scheduler, configure, tools, shell):
            for row in part(long=options.long):
                title = f"{row.section}: {row.name}"
                if options.only not in title:
                    continue
                mine, theirs = measure(row, Path(name), options.runs)
                ratio = f"{mine.cpu_s / theirs.cpu_s:.2f}" if theirs and theirs.cpu_s else ""
                beside = f" ({theirs.memory_mb:.0f})" if theirs else ""
                print(
                    f"| {title} | {mine.cpu_s:.2f} | {f'{theirs.cpu_s:.2f}' if theirs else ''} | "
                    f"{ratio} | {mine.memory_mb:.0f}{beside} | {verdict(row, mine, theirs)} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
