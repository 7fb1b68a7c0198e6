"""The tables of options are right in themselves, and know old names."""

from __future__ import annotations

import pytest

from crmsh_py.cib import options


@pytest.mark.parametrize(
    "table",
    [
        options.PROPERTIES,
        options.RESOURCE_META,
        options.GROUP_META,
        options.CLONE_META,
        options.OPERATION,
        options.FENCING_PARAMETERS,
    ],
)
def test_every_default_is_a_value_and_everything_has_a_sentence(
    table: dict[str, options.Option],
) -> None:
    for name, option in table.items():
        assert name == option.name
        assert option.help
        assert not option.help.endswith(".")
        assert option.default == "" or option.problem(option.default) is None, name


def test_old_and_new_names_lead_to_the_same_option() -> None:
    assert options.CLUSTER_OPTIONS["stonith-enabled"] is options.PROPERTIES["fencing-enabled"]
    assert options.today("stonith-timeout") == "fencing-timeout"
    assert options.value_of({"stonith-enabled": "false"}, "fencing-enabled") == "false"
    assert options.value_of({"fencing-enabled": "false"}, "stonith-enabled") == "false"
    assert options.value_of({}, "no-quorum-policy") == "stop"
    assert "master-max" in options.names(options.CLONE_META)


@pytest.mark.parametrize(
    ("name", "value", "good"),
    [
        ("stonith-enabled", "yes", True),
        ("stonith-enabled", "maybe", False),
        ("no-quorum-policy", "Freeze", True),
        ("no-quorum-policy", "#default", True),
        ("batch-limit", "-1", True),
        ("batch-limit", "many", False),
        ("load-threshold", "80%", True),
        ("node-health-red", "-INFINITY", True),
        ("cluster-recheck-interval", "15min", True),
        ("cluster-recheck-interval", "often", False),
    ],
)
def test_values(name: str, value: str, good: bool) -> None:
    assert (options.CLUSTER_OPTIONS[name].problem(value) is None) is good
