"""What a person sees while typing: marks, colours, the lines below, and by ``?``. No terminal."""

from __future__ import annotations

import time

import pytest
from prompt_toolkit.document import Document
from shell.clusters import CIB, HARD, STATUS, example_lines, large
from yardstick import slowness

from crmsh_py.agents.catalogue import Catalogue
from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.cib.document import Cib
from crmsh_py.clusters.kinds import ClusterKind
from crmsh_py.lang.expectation import expect
from crmsh_py.shell.candidates import offer
from crmsh_py.shell.judging import LONGEST, Judge, Mark
from crmsh_py.shell.live import Live, LiveLexer
from crmsh_py.shell.next_words import next_words
from crmsh_py.shell.snapshot import Snapshot, Standing, names_of, with_states
from crmsh_py.shell.sources import Sources
from crmsh_py.shell.toolbar import Fragments, Place, cluster_line, typing_line

IP = "ocf:heartbeat:IPaddr2"


@pytest.fixture
def sources(catalogue: Catalogue) -> Sources:
    catalogue.find(AgentSpec.parse(IP))  # as after its first completion
    return Sources(with_states(names_of(Cib.parse(CIB)), STATUS), catalogue)


def marks(sources: Sources, text: str, level: str = "configure") -> tuple[Mark, ...]:
    return Judge().marks(sources, text, level)


# Text with the cursor at its end; what is underlined; a part of the sentence about it.
WRONG = [
    ("frobnicate ", "frobnicate", "there is no command"),
    ("primitve x ", "primitve", "did you mean primitive"),
    ("location l vip 1: alpha beta ", "beta", "cannot stand here"),
    ("location l vip rule x frob y ", "frob", "expected: a comparison"),
    ("group g vip nothing ", "nothing", "there is no resource “nothing”"),
    ("group g vipp ", "vipp", "did you mean vip?"),
    ("delete vpi ", "vpi", "there is no object"),
    ("location l vip 1: delta ", "delta", "there is no node “delta”"),
    ("fencing_topology powr,power ", "powr,power", "there is no resource “powr”"),
    ("primitive x ocf:heartbeat:IPadr2 ", "ocf:heartbeat:IPadr2", "did you mean IPaddr2"),
    ("primitive x @tmp params ", "@tmp", "there is no template"),
    (f"primitive x {IP} params cidr_netmsk=24 ", "cidr_netmsk=24", "did you mean cidr_netmask"),
    (f"primitive x {IP} cidr_netmsk=24 ", "cidr_netmsk=24", "did you mean cidr_netmask"),
    (
        "primitive x ocf:pacemaker:Dummy meta target-rol=Started ",
        "target-rol=Started",
        "target-role",
    ),
    ("property no-quorum-polcy=stop ", "no-quorum-polcy=stop", "no-quorum-policy"),
]


@pytest.mark.parametrize(("text", "underlined", "sentence"), WRONG, ids=[w[0] for w in WRONG])
def test_what_is_wrong_is_underlined_and_told(
    sources: Sources, text: str, underlined: str, sentence: str
) -> None:
    found = marks(sources, text)
    assert [text[m.start : m.end] for m in found] == [underlined]
    assert sentence in found[0].message


@pytest.mark.parametrize(
    "text",
    [
        *("primi", "primitive x ocf:heart", "order o man", "location l vip INF", "delete vi"),
        *(
            'primitive x Dummy description="not yet',
            "group g vip spare",
            "colocation c -INF: vip si",
        ),
        *("order o main:promote vip ", "order o ( vip spare ) site ", "show type:primitive "),
        *("property my-own-property=1 ", "tag t: vip loc ", "show vi* ", "clone c spare meta x=y "),
        *(f"primitive x {IP} params ip=1.2.3.4 op monitor interval=10s ", "delete vip loc "),
        *("primitive x ocf:pacemaker:Dummy params anything=1 ",),
    ],
)
def test_what_is_right_or_unfinished_is_not(sources: Sources, text: str) -> None:
    assert marks(sources, text) == ()


def test_names_are_not_judged_before_the_cluster_was_seen(sources: Sources) -> None:
    unseen = Sources(Snapshot(), sources.catalogue)
    assert marks(unseen, "group g nothing more ") == ()


def text_of(line: Fragments) -> str:
    return "".join(text for _, text in line)


LAB = Standing(
    kind=ClusterKind.LOCAL, name="demo", node="alpha", online=2, nodes=3, quorate=True, failures=1
)
HERE = Place("configure", "alpha", "", ("vip", "web"))


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_the_lines_are_as_wide_as_the_terminal(sources: Sources, width: int) -> None:
    assert len(text_of(cluster_line(LAB, HERE, width))) == width
    text = f"primitive x {IP} "
    assert (
        len(text_of(typing_line(sources, expect(text, "configure"), (), "configure", width)))
        == width
    )


def test_the_cluster_line_says_how_it_stands() -> None:
    line = text_of(cluster_line(LAB, HERE, 100))
    for part in ("lab demo", "on alpha", "2/3 online", "quorum", "1 failed action",
                 "2 changes pending: vip, web"):  # fmt: skip
        assert part in line
    lost = cluster_line(
        Standing(kind=ClusterKind.LOCAL, name="demo", nodes=3, quorate=False), HERE, 100
    )
    assert ("class:bar.bad", "NO QUORUM") in lost
    gone = text_of(cluster_line(Standing(problem="no cluster runs on this machine"), HERE, 100))
    assert "no cluster runs" in gone
    shadow = Place("root", "", "trial", ())
    assert "shadow trial" in text_of(
        cluster_line(Standing(kind=ClusterKind.FILE, name="x"), shadow, 100)
    )
    own = cluster_line(Standing(kind=ClusterKind.FILE, name="trial"), shadow, 100)
    assert text_of(own).count("trial") == 1


def typing(sources: Sources, text: str, level: str = "configure") -> str:
    found = Judge().marks(sources, text, level)
    return text_of(typing_line(sources, expect(text, level), found, level, 200)).strip()


def test_the_other_line_explains_what_is_being_typed(sources: Sources) -> None:
    assert typing(sources, "").startswith("configure change the configuration")
    assert "group ID RSC…" in typing(sources, "group g ")
    assert typing(sources, f"primitive x {IP} params ip=").startswith("ip= required · IP address")
    assert "default stop" in typing(sources, "property no-quorum-policy=f")
    assert "there is no resource" in typing(sources, "group g nothing ")


def test_an_agent_that_was_not_asked_yet_is_not_asked_by_the_toolbar(
    sources: Sources,
    catalogue: Catalogue,
) -> None:
    spec = AgentSpec.parse("ocf:pacemaker:Stateful")
    assert catalogue.known(spec) is None
    typing(sources, "primitive x ocf:pacemaker:Stateful params state=")
    assert catalogue.known(spec) is None


def test_a_question_mark_shows_what_may_come_next(sources: Sources) -> None:
    shown = next_words(offer(sources, "resource move site "), 60)
    assert "  alpha  " in shown
    assert "  node, online, DC\n" in shown
    assert shown.endswith("the line may end here")
    assert all(len(line) <= 60 for line in shown.splitlines())
    assert "<a new id>" in next_words(offer(sources, "primitive ", "configure"), 80)
    assert "not understood" in next_words(offer(sources, "primitive x y=z ", "configure"), 80)
    assert "more: type a letter" in next_words(
        offer(Sources(large(500), sources.catalogue), "resource start ", "root"), 80
    )


# ---- colours -------------------------------------------------------------------------------------


def live(sources: Sources, level: str = "configure") -> Live:
    return Live(lambda: sources, lambda: Place(level, "alpha", "", ()))


def styled(sources: Sources, text: str, level: str = "configure") -> list[tuple[str, str]]:
    line = LiveLexer(live(sources, level)).lex_document(Document(text))
    return [(piece[0], piece[1]) for piece in line(0)]


def test_words_have_the_colour_of_what_they_are(sources: Sources) -> None:
    pieces = {text: style for style, text in styled(sources, f"primitive x {IP} params ip=1 ")}
    assert pieces["primitive"] == "class:pygments.keyword"
    assert pieces[IP] == "class:pygments.name.function"
    assert pieces["ip"] == "class:pygments.name.attribute"


def test_a_mistake_is_underlined_and_the_unfinished_word_is_not(sources: Sources) -> None:
    assert "class:wrong" in {t: s for s, t in styled(sources, "frobnicate ")}["frobnicate"]
    assert all("wrong" not in style for style, _ in styled(sources, "location l vip 1: alpha beta"))


def test_every_line_of_every_example_is_shown_whole(sources: Sources) -> None:
    """Colours never change the text, whatever it is."""
    for level, text in [*example_lines(), *(("configure", line) for line in HARD)]:
        for end in (len(text), len(text) // 2):
            cut = text[:end]
            assert "".join(piece for _, piece in styled(sources, cut, level)) == cut


def test_lines_of_a_continued_command_are_one(sources: Sources) -> None:
    text = f"primitive x {IP} \\\n  params cidr_netmsk=1 "
    lines = LiveLexer(live(sources)).lex_document(Document(text))
    assert "".join(piece[1] for piece in lines(1)) == "  params cidr_netmsk=1 "
    assert any("unknown" in piece[0] and piece[1].startswith("cidr") for piece in lines(1))
    assert lines(7) == []


@pytest.mark.alone
def test_a_key_is_answered_in_bounded_time(sources: Sources) -> None:
    """Colours, underlines and the lines below: 30 ms of CPU for 99 of 100 keys."""
    seen = live(Sources(large(5000), sources.catalogue))
    line = (
        f"primitive x {IP} params ip=1 nic=eth0 op monitor interval=10s timeout=20s "
        "op start timeout=20s meta target-role=Started resource-stickiness=100 utilization cpu=1"
    )
    spent = []
    for text in (line, "group g " + " ".join(f"rsc-{n:04}" for n in range(40))):
        for end in range(len(text) + 1):
            begin = time.process_time()
            seen.styles(text[:end])
            seen.toolbar(text[:end], 120)
            spent.append(time.process_time() - begin)
    spent.sort()
    assert spent[len(spent) * 99 // 100] <= 0.030 * slowness(), spent[-10:]
    begin = time.process_time()
    LiveLexer(seen).lex_document(Document("x " * LONGEST))(0)
    assert time.process_time() - begin <= 0.030 * slowness()
