"""Who wins a view, who is DC, and which term comes next: a pure function of the summaries."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from crmsh_py.engine.views import choose_dc, decide
from crmsh_py.wire.stream import Summary, decode, encode


def summary(
    *,
    term: int = 1,
    revision_term: int = 1,
    version: tuple[int, int, int] = (0, 1, 0),
    digest: str = "same",
    manager: bool = True,
    claim: int = 0,
    informed: int = 0,
    since: int = 0,
) -> Summary:
    return Summary(
        view=(1, 4),
        name="n",
        term=term,
        revision_term=revision_term,
        version=version,
        digest=digest,
        manager=manager,
        claim=claim,
        informed=informed,
        since=since,
    )


def test_a_later_term_beats_a_higher_version() -> None:
    """What was made without quorum, however much of it, loses against a side that went on."""
    decision = decide(
        {
            1: summary(revision_term=2, version=(0, 9, 0), digest="forced"),
            2: summary(revision_term=3, version=(0, 5, 0), digest="primary"),
        }
    )
    assert decision.winner == 2
    assert decision.losers == (1,)


def test_in_one_term_the_higher_version_wins() -> None:
    decision = decide(
        {
            1: summary(version=(0, 5, 9), digest="a"),
            2: summary(version=(0, 6, 0), digest="b"),
            3: summary(version=(0, 6, 3), digest="b"),
        }
    )
    assert decision.winner == 2
    assert decision.losers == (1,)
    assert decision.num_updates == 4, "the counter of status changes never goes back"


def test_of_equal_versions_with_other_content_the_one_that_more_hold_wins() -> None:
    decision = decide({1: summary(digest="bad"), 2: summary(digest="ok"), 3: summary(digest="ok")})
    assert decision.winner == 2
    assert decision.losers == (1,)


def test_a_term_that_is_made_up_leads_to_none_that_cannot_be_told() -> None:
    most = summary(term=2**53)
    assert decode(encode(most)) == most
    assert decide({1: summary(), 2: most}).term == 2**53


def test_an_empty_disk_never_wins() -> None:
    empty = summary(term=0, revision_term=0, version=(0, 0, 0), digest="empty")
    assert decide({1: empty, 2: summary()}).winner == 2


def test_the_dc_stays_and_the_one_with_quorum_first() -> None:
    assert choose_dc({1: summary(), 2: summary(), 3: summary()}) == 1
    assert choose_dc({1: summary(), 2: summary(claim=2), 3: summary(claim=1)}) == 2
    assert choose_dc({1: summary(claim=1), 2: summary(), 3: summary(claim=2)}) == 3
    assert choose_dc({1: summary(claim=2, manager=False), 2: summary()}) == 2
    assert choose_dc({1: summary(manager=False)}) is None


def test_who_knows_most_is_dc_and_of_these_the_one_that_has_been_here_longest() -> None:
    restarted = summary(claim=1)  # alone it was DC for a moment
    assert choose_dc({1: restarted, 2: summary(informed=4, since=2)}) == 2
    asleep = summary(claim=2, informed=3, since=1)  # it did not hear that the others went on
    assert choose_dc({1: asleep, 2: summary(informed=4, since=4)}) == 2
    members = {1: summary(informed=4, since=3), 2: summary(informed=4, since=2)}
    assert choose_dc(members) == 2
    assert choose_dc({**members, 3: summary(informed=4, since=4, claim=2)}) == 3


summaries = st.builds(
    summary,
    term=st.integers(0, 4),
    revision_term=st.integers(0, 4),
    version=st.tuples(st.just(0), st.integers(0, 3), st.integers(0, 3)),
    digest=st.sampled_from("abc"),
    manager=st.booleans(),
    claim=st.integers(0, 2),
    informed=st.integers(0, 4),
    since=st.integers(0, 4),
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.integers(1, 9), summaries, min_size=1, max_size=5), st.randoms())
def test_the_order_of_the_summaries_does_not_matter(members: dict[int, Summary], chance) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(members.items())
    chance.shuffle(shuffled)
    decision = decide(dict(shuffled))
    assert decision == decide(members)
    assert decision.term > max(each.term for each in members.values())
    best = max((each.revision_term, each.version[:2]) for each in members.values())
    assert (members[decision.winner].revision_term, members[decision.winner].version[:2]) == best
    assert decision.winner not in decision.losers
