"""Everything that reads what others wrote, fed with a million damaged encodings each.

    python tests/soak/decoders.py                     # a million inputs for each decoder
    python tests/soak/decoders.py --only stream --seed 7 --inputs 1000

A decoder may refuse by the errors that it declares; anything else is a finding, as is an input that
takes a second of processor time, or a run that keeps more and more memory. A finding names the
decoder, the seed and the number of the input, by which the same input is made again.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import random
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from soak import mutate

from crmsh_py import corosync_conf
from crmsh_py.cib import xml
from crmsh_py.cib.acl import Access
from crmsh_py.cib.diff import apply, diff
from crmsh_py.cib.document import Cib
from crmsh_py.cib.element import Element
from crmsh_py.cib.patch import Patch
from crmsh_py.corosync_conf import TotemSettings
from crmsh_py.engine.api import RemoteOpened, RemoteReceived
from crmsh_py.engine.outbox import Outbox
from crmsh_py.engine.remote_core import RemoteCore
from crmsh_py.engine.remotes import Remotes
from crmsh_py.engine.totem import Totem
from crmsh_py.errors import CrmError, RemoteProtocolError
from crmsh_py.node.seal import Suite
from crmsh_py.node.sealed_stream import SealedStream
from crmsh_py.node.sessions import Sessions, Verdict
from crmsh_py.wire import control, datagram, framing, lab, remote, stream
from crmsh_py.wire.datagram import RingId

SLOWEST_S = 1.0  # processor time of one input
MOST_GROWTH = 300 * 1024 * 1024  # bytes that a run may add to the process
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Target:
    """One decoder: how an input is made from a seed, and what must hold when it is read."""

    name: str
    make: Callable[[random.Random], object]
    read: Callable[[object], None]


class FindingError(AssertionError):
    """What a decoder must not do."""


# ---- the decoders --------------------------------------------------------------------------------

_RING = RingId(8, 1)
_MULTICAST = datagram.Multicast(
    ring=_RING,
    sequence=5,
    sender=2,
    safe=True,
    continues=False,
    unfinished=False,
    chunks=(b"one", b"\xff" * 40),
)
_DATAGRAMS: tuple[datagram.Message, ...] = (
    datagram.Token(
        ring=_RING, hop=3, sequence=9, aru=7, aru_holder=2, window=5, backlog=1,
        recovering=True, recovered=4, requests=(8, 9),
    ),
    _MULTICAST,
    datagram.Recovered(ring=_RING, sequence=2, sender=3, message=_MULTICAST),
    datagram.Join(sender=2, processors=(1, 2, 3), failed=(3,), ring_sequence=8),
    datagram.CommitToken(
        ring=_RING, rotation=1, members=(1, 2),
        entries=(datagram.CommitEntry(RingId(4, 1), 3, 2, (1, 9)),),
    ),
    datagram.MergeDetect(ring=_RING, sender=2),
    datagram.HoldCancel(ring=_RING, sender=2),
    datagram.Probe(sender=2, enable=True),
)  # fmt: skip
_STREAM: tuple[stream.Message, ...] = (
    stream.Summary(
        view=(1, 4), name="a", term=3, revision_term=2, version=(0, 7, 1), digest="d" * 32,
        manager=True, recent=[(1, 2, 3)],
    ),
    stream.Missing(
        view=(1, 4), revision_term=1, digest="d",
        steps=[stream.Step(base="x", patch="<diff format='2'/>", author="a")],
    ),
    stream.OwnState(view=(1, 4), state="<node_state id='1'/>", pending={"R_start_0": 5}),
    stream.ConfigChange(
        view=(1, 4), ident=(1, 2, 3), patch="<diff/>", source=(0, 1, 2), author="a", client="c",
        time=7, written="now",
    ),
    stream.Outcome(
        view=(1, 4), name="R", key="R_start_0", transition_key="1:2:0:u", rc=7, ok=False,
        failure=stream.Failure(operation="start", interval_ms=0, time=3), forget=["a"],
    ),
    stream.RunAction(
        view=(1, 4), target=2, transition_key="k", key="R_stop_0", operation="stop",
        agent=stream.AgentName(standard="ocf", provider="p", type="t"), parameters={"ip": "1"},
    ),
    stream.QuorumChange(view=(1, 4), expected_votes=3, ident=(1, 2, 3)),
    stream.AttributeChange(view=(1, 4), node="n", name="a", value=None),
    stream.DcState(view=(1, 4), idle=True, changes=7),
    stream.RemoteState(
        view=(1, 4), name="far", up=True, state="<node_state id='far'/>", pending={"far/R": 5}
    ),
)  # fmt: skip
_HISTORY = '<lrm_resource id="R"><lrm_rsc_op id="R_last_0" call-id="1"/></lrm_resource>'
_FROM_REMOTE: tuple[remote.FromRemote, ...] = (
    remote.Accepted(state="<node_state id='far'><lrm id='far'/></node_state>", pending={"k": 5}),
    remote.Rejected(reason="no"),
    remote.Told(
        outcome=stream.Outcome(
            view=(0, 0), name="R", key="R_start_0", transition_key="t", resource=_HISTORY,
            forget=["R_monitor_10"],
        )
    ),
    remote.Pong(number=7),
    remote.Ask(
        ticket=3, frame=framing.encode_request(3, control.ReadCib()), user="bob", groups=["g"]
    ),
    remote.Hangup(ticket=3),
    remote.Leaving(),
    remote.Replaced(member="b"),
)  # fmt: skip
_TO_REMOTE: tuple[remote.ToRemote, ...] = (
    remote.Claim(node="far", member="a", term=4),
    remote.Run(
        action=stream.RunAction(
            view=(1, 4), target=2, transition_key="k", key="R_start_0", operation="start",
            resource="R", agent=stream.AgentName(standard="ocf", provider="p", type="t"), on="far",
        )
    ),
    remote.Forget(resource="R"),
    remote.ForgetEntries(resource="R", entries=["R_migrate_to_0"]),
    remote.Ping(number=7),
    remote.answer(3, control.Done()),
    remote.Release(),
    remote.Drop(),
)  # fmt: skip
_REQUESTS: tuple[control.Request, ...] = (
    control.Hello(client="crm_mon", user="hacluster", acts_for="bob"),
    control.Commit(patch="<diff format='2'/>", force_no_quorum=True),
    control.SetAttribute(node="n1", name="pingd", value=None),
    control.WaitIdle(version=(0, 5, 2)),
    control.SetVotes(votes=2, node_id=7),
    control.ReadCmap(prefix="totem.", map="stats"),
)
_REPLIES: tuple[control.Reply, ...] = (
    control.CibReply(cib="<cib/>"),
    control.Changed(version=(0, 1, 2), quorate=True, dc="n1", idle=False),
    control.CmapReply(keys=[control.CmapKey("a", "u32", "1")]),
    control.Refused(kind="NoQuorum", text="no", hint="yes"),
)
_LAB_MESSAGES = (
    lab.encode(lab.StartNodes(nodes=["a", "b"])),
    lab.encode(lab.CutOff(nodes=["a"], ring=1)),
    lab.encode(lab.ReadLab()),
)
_CONFS = (
    (_ROOT / "examples" / "corosync.conf").read_text(encoding="utf-8"),
    "totem {\nversion: 2\nsecauth: on\nrrp_mode: passive\ninterface {\nringnumber: 1\n"
    "bindnetaddr: 10.0.0.0\n}\n}\nnodelist {\nnode {\nring0_addr: 10.0.0.1\nring1_addr: 10.1.0.1\n"
    "name: a\nnodeid: 7\nquorum_votes: 2\n}\n}\nquorum {\ntwo_node: 1\nexpected_votes: 2\n"
    "auto_tie_breaker_node: 1 2\n}\nlogging {\nlogger_subsys {\nsubsys: TOTEM\ndebug: on\n}\n}\n",
)
_CIB = """<cib validate-with="pacemaker-3.9" crm_feature_set="3.19.0" admin_epoch="0" epoch="7"
 num_updates="3"><configuration><crm_config><cluster_property_set id="o">
 <nvpair id="o-1" name="enable-acl" value="true"/></cluster_property_set></crm_config>
 <nodes><node id="1" uname="n1"/></nodes>
 <resources><group id="g"><primitive id="A" class="ocf" provider="p" type="Dummy">
 <instance_attributes id="Ai"><rule id="r" score="0"><expression id="e" attribute="#uname"
 operation="eq" value="n1"/></rule><nvpair id="Ap" name="x" value="1"/></instance_attributes>
 <operations><op id="Ao" name="monitor" interval="10s"/></operations></primitive>
 <!-- a comment --></group></resources>
 <constraints><rsc_location id="l" rsc="A" node="n1" score="INFINITY"/></constraints>
 <acls><acl_target id="bob"><role id="op"/></acl_target><acl_role id="op">
 <acl_permission id="op1" kind="read" xpath="//primitive[@id='A']"/>
 <acl_permission id="op2" kind="deny" object-type="op" attribute="name"/></acl_role></acls>
 </configuration><status><node_state id="1" uname="n1" crmd="online"/></status></cib>"""
_BASE = Cib.parse(_CIB)
_NEW = _BASE.with_section(
    "resources",
    Element("resources", {}, (Element("primitive", {"id": "B", "class": "ocf", "type": "D"}),)),
).with_section("nodes", Element("nodes", {}, (Element("node", {"id": "2", "uname": "n2"}),)))
_PATCHES = tuple(diff(*pair).to_xml() for pair in ((_BASE, _NEW), (_NEW, _BASE)))


def _packed(corpus: Sequence[bytes]) -> Callable[[random.Random], bytes]:
    def make(chance: random.Random) -> bytes:
        how = chance.choice((mutate.bytes_of, mutate.packed, mutate.packed))
        return how(chance, chance.choice(corpus), corpus)

    return make


def _framed(bodies: Sequence[bytes]) -> Callable[[random.Random], bytes]:
    """Frames whose lengths fit what is in them, mostly; else damaged as a whole."""
    inner = _packed([body[4:] for body in bodies])

    def make(chance: random.Random) -> bytes:
        if chance.random() < 0.2:
            return mutate.bytes_of(chance, chance.choice(bodies), bodies)
        parts = [inner(chance) for _ in range(chance.choice((1, 1, 2)))]
        return b"".join(len(part).to_bytes(4, "big") + part for part in parts)

    return make


def _xml(corpus: Sequence[str]) -> Callable[[random.Random], object]:
    roots = [xml.parse(text) for text in corpus]
    encoded = [text.encode() for text in corpus]

    def make(chance: random.Random) -> object:
        if chance.random() < 0.3:
            return mutate.bytes_of(chance, chance.choice(encoded), encoded)
        try:
            return xml.to_xml(mutate.tree(chance, chance.choice(roots)), indent=None)
        except CrmError:  # a character that XML cannot carry
            return b"<cib/>"

    return make


def _refusable(read: Callable[[object], object], *errors: type[Exception]) -> Callable[..., None]:
    """May refuse by these errors alone; their texts can be made."""

    def checked(data: object) -> None:
        try:
            read(data)
        except errors as error:
            if isinstance(error, CrmError):
                error.format_message()

    return checked


def _read_cib(data: object) -> None:
    assert isinstance(data, str | bytes)
    root = Cib.parse(data).root
    if (access := Access.of(root, "bob")) is not None:
        access.check(root, access.readable(root))


def _read_patch(data: object) -> None:
    assert isinstance(data, str | bytes)
    patch = Patch.from_xml(data)
    new = apply(_BASE.with_version(patch.source), patch)
    Cib.parse(new.to_xml())


def _open_sealed() -> tuple[Callable[[random.Random], bytes], Callable[[object], None]]:
    sender = Sessions(bytes(32), Suite(), "10.0.0.1", random=random.Random(1).randbytes)
    corpus = [sender.close(bytes(length)) for length in (0, 1, 40, 1400)]

    def make(chance: random.Random) -> bytes:
        return mutate.bytes_of(chance, chance.choice(corpus), corpus)

    def read(data: object) -> None:
        assert isinstance(data, bytes)
        receiver = Sessions(bytes(32), Suite(), "10.0.0.2", random=bytes)
        opened = receiver.open(data, "10.0.0.1", 0.0)
        whole = data in corpus
        if opened.payloads or (opened.verdict is not Verdict.INVALID and not whole):
            raise FindingError(f"a damaged datagram is {opened.verdict}")

    return make, read


def _machine() -> tuple[Callable[[random.Random], list[bytes]], Callable[[object], None]]:
    one = _packed([datagram.encode(each) for each in _DATAGRAMS])

    def make(chance: random.Random) -> list[bytes]:
        return [one(chance) for _ in range(20)]

    def read(data: object) -> None:
        assert isinstance(data, list)
        totem = Totem(1, "10.0.0.1", TotemSettings())
        totem.start(0.0)
        for number, each in enumerate(data, 1):
            totem.receive_datagram(each, f"10.0.0.{number % 4 + 1}", number / 10)
            totem.handle_timer(number / 10)
            while totem.next_event() is not None:
                pass
            totem.datagrams_to_send()

    return make, read


def _remote_sides() -> tuple[
    Callable[[random.Random], tuple[list[bytes], list[bytes]]], Callable[[object], None]
]:
    """Both sides of a connection to a remote node, each told what the other may say, damaged."""
    told = _packed([remote.encode(each) for each in _FROM_REMOTE])
    asked = _packed([remote.encode(each) for each in _TO_REMOTE])

    def make(chance: random.Random) -> tuple[list[bytes], list[bytes]]:
        return [told(chance) for _ in range(10)], [asked(chance) for _ in range(10)]

    def read(data: object) -> None:
        assert isinstance(data, tuple)
        out = Outbox(0.0)
        member = Remotes(
            "a",
            out,
            view=lambda: (1, 4),
            term=lambda: 4,
            finished=lambda _: None,
            lost=lambda _: None,
            ask=lambda _: None,
            hang_up=lambda _: None,
        )
        start = stream.RunAction(
            view=(1, 4), target=1, transition_key="k", key="far_start_0", operation="start",
            resource="far",
        )  # fmt: skip
        member.begin(1, start)
        member.handle(RemoteOpened(connection=1))
        for each in (remote.encode(_FROM_REMOTE[0]), *data[0]):
            with contextlib.suppress(RemoteProtocolError):
                message = remote.decode_from_remote(each)
                member.handle(RemoteReceived(connection=1, message=message))
        out.take_messages()
        core = RemoteCore("far", 0.0)
        for each in (remote.encode(_TO_REMOTE[0]), *data[1]):
            with contextlib.suppress(RemoteProtocolError):
                order = remote.decode_to_remote(each)
                core.handle(RemoteReceived(connection=1, message=order), 1.0)

    return make, read


def _sealed_stream() -> tuple[Callable[[random.Random], bytes], Callable[[object], None]]:
    def pair() -> tuple[SealedStream, SealedStream, bytes]:
        member = SealedStream(bytes(32), random=bytes, suite=Suite())
        far = SealedStream(bytes(32), random=bytes)
        hello = member.hello()
        member.receive(far.receive(hello)[1])
        return member, far, hello

    def make(chance: random.Random) -> bytes:
        member, _, hello = pair()
        whole = hello + b"".join(member.seal(bytes(size)) for size in (3, 0, 200))
        return mutate.bytes_of(chance, whole, [whole])

    def read(data: object) -> None:
        assert isinstance(data, bytes)
        SealedStream(bytes(32), random=bytes).receive(data)

    return make, _refusable(read, RemoteProtocolError)


def targets() -> list[Target]:
    """All decoders of this program."""
    datagrams = [datagram.encode(each) for each in _DATAGRAMS]
    requests = [framing.encode_request(1, each) for each in _REQUESTS]
    replies = [framing.encode_reply(1, each) for each in _REPLIES]
    broken = RemoteProtocolError
    return [
        Target("datagram", _packed(datagrams), _refusable(datagram.decode, broken)),  # type: ignore[arg-type]
        Target("sealed", *_open_sealed()),
        Target("machine", *_machine()),
        Target(
            "stream",
            _packed([stream.encode(each) for each in _STREAM]),
            _refusable(stream.decode, broken),  # type: ignore[arg-type]
        ),
        Target(
            "request",
            _framed(requests),
            _refusable(lambda data: framing.RequestDecoder().receive(data), broken),  # type: ignore[arg-type]
        ),
        Target(
            "reply",
            _framed(replies),
            _refusable(lambda data: framing.ReplyDecoder().receive(data), broken),  # type: ignore[arg-type]
        ),
        Target(
            "lab",
            lambda chance: mutate.bytes_of(chance, chance.choice(_LAB_MESSAGES), _LAB_MESSAGES),
            _refusable(lab.decode_request, broken),  # type: ignore[arg-type]
        ),
        Target(
            "corosync.conf",
            lambda chance: mutate.lines(chance, chance.choice(_CONFS), _CONFS),
            _refusable(corosync_conf.parse, CrmError),  # type: ignore[arg-type]
        ),
        Target("sealed stream", *_sealed_stream()),
        Target("remote nodes", *_remote_sides()),
        Target("cib", _xml([_CIB]), _refusable(_read_cib, CrmError)),
        Target("patch", _xml(_PATCHES), _refusable(_read_patch, CrmError)),
    ]


# ---- running -------------------------------------------------------------------------------------


def run(target: Target, *, seed: int, first: int = 0, inputs: int) -> float:
    """Feed inputs; returns the processor time of the slowest one. Raises FindingError."""
    slowest = 0.0
    before = _memory()
    for number in range(first, first + inputs):
        data = target.make(random.Random(f"{target.name} {seed} {number}"))
        began = time.process_time()
        try:
            target.read(data)
        except Exception as error:
            where = f"{target.name}, --seed {seed} --first {number}"
            raise FindingError(
                f"{where}: {type(error).__name__}: {error}\n{data!r:.2000}"
            ) from error
        slowest = max(slowest, time.process_time() - began)
    if slowest > SLOWEST_S:
        raise FindingError(f"{target.name}, --seed {seed}: an input took {slowest:.1f} s")
    if (growth := _memory() - before) > MOST_GROWTH:
        raise FindingError(
            f"{target.name}, --seed {seed}: {growth // 2**20} MB more after {inputs}"
        )
    return slowest


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _soak(job: tuple[str, int, int, int]) -> tuple[str, float, str]:
    name, seed, first, inputs = job
    target = next(each for each in targets() if each.name == name)
    try:
        return name, run(target, seed=seed, first=first, inputs=inputs), ""
    except FindingError as finding:
        return name, 0.0, str(finding)


def main() -> int:
    """0 when every decoder held."""
    names = [target.name for target in targets()]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=1_000_000, help="for each decoder")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--first", type=int, default=0, help="the number of the first input")
    parser.add_argument("--only", choices=names)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    began = time.monotonic()
    piece = max(1, min(chosen.inputs, 50_000))
    jobs = [
        (name, chosen.seed, first, min(piece, chosen.first + chosen.inputs - first))
        for name in ([chosen.only] if chosen.only else names)
        for first in range(chosen.first, chosen.first + chosen.inputs, piece)
    ]
    failed = 0
    slowest: dict[str, float] = {}
    with multiprocessing.Pool(chosen.processes) as pool:
        for name, slow, finding in pool.imap_unordered(_soak, jobs):
            slowest[name] = max(slowest.get(name, 0.0), slow)
            if finding:
                failed += 1
                print(f"FAILED {finding}", flush=True)
    for name, slow in sorted(slowest.items()):
        print(f"{name}: {chosen.inputs} inputs, the slowest took {slow * 1000:.1f} ms")
    print(f"{failed} findings after {time.monotonic() - began:.0f} s")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
