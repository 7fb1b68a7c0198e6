"""crm_verify's texts: the tutorial's four lines, and silence where all is well."""

from __future__ import annotations

import pytest

from crmsh_py.scheduler.result import Message
from crmsh_py.views import verify

NO_FENCING = [
    Message(level="error", where="unpack_resources", text=text)
    for text in (
        "Resource start-up disabled since no STONITH resources have been defined",
        "Either configure some or disable STONITH with the stonith-enabled option",
        "NOTE: Clusters with shared data need STONITH to ensure data integrity",
    )
]


IN_ONE_PIECE = [
    Message(
        level="error",
        where="unpack_resources",
        text="Resource start-up disabled since no fencing resources have been defined. Either "
        "configure some or disable fencing with the fencing-enabled option. NOTE: Clusters with "
        "shared data need fencing to ensure data integrity.",
    )
]


@pytest.mark.parametrize("messages", [NO_FENCING, IN_ONE_PIECE])
def test_missing_fencing_gives_the_tutorials_four_lines(messages: list[Message]) -> None:
    assert verify.classic(messages, verbose=1) == (
        "   error: unpack_resources:     "
        "Resource start-up disabled since no STONITH resources have been defined\n"
        "   error: unpack_resources:     "
        "Either configure some or disable STONITH with the stonith-enabled option\n"
        "   error: unpack_resources:     "
        "NOTE: Clusters with shared data need STONITH to ensure data integrity\n"
        "Errors found during check: config not valid\n"
    )


def test_without_v_only_the_verdict_is_said() -> None:
    assert verify.classic(NO_FENCING, verbose=0) == (
        "Errors found during check: config not valid\n  -V may provide more details\n"
    )


def test_a_good_configuration_is_silent() -> None:
    assert verify.classic([], verbose=1) == ""
    assert verify.modern([], verbose=1) == ""
