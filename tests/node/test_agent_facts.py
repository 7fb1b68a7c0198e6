"""What agents say of their parameters, as far as a history needs it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from crmsh_py.agents.metadata import parse_metadata
from crmsh_py.cib.agent_name import AgentSpec
from crmsh_py.engine.api import AgentFacts
from crmsh_py.node.agent_facts import FactsReader, facts_of, facts_of_machine


def described(version: str, parameters: str, actions: str) -> AgentFacts:
    text = (
        f"<resource-agent name='x'><version>{version}</version>"
        f"<parameters>{parameters}</parameters><actions>{actions}</actions></resource-agent>"
    )
    return facts_of(parse_metadata(text))


def test_an_agent_of_1_1_names_what_is_reloadable() -> None:
    facts = described(
        "1.1",
        "<parameter name='state'/><parameter name='fake' reloadable='1'/>",
        "<action name='start'/><action name='reload-agent'/>",
    )
    assert facts == AgentFacts(restart=("state",), reload="reload-agent")


def test_an_agent_of_1_0_names_what_is_unique() -> None:
    facts = described(
        "1.0",
        "<parameter name='state' unique='1'/><parameter name='fake'/>",
        "<action name='start'/><action name='reload'/>",
    )
    assert facts == AgentFacts(restart=("state",), reload="reload")


def test_reload_of_1_1_is_about_the_service_and_not_about_parameters() -> None:
    facts = described("1.1", "<parameter name='fake' reloadable='1'/>", "<action name='reload'/>")
    assert facts == AgentFacts()


def test_secrets_have_usual_names_where_nothing_is_called_private() -> None:
    named = described("1.1", "<parameter name='key' private='1'/><parameter name='passwd'/>", "")
    assert named.private == ("key",)
    assert described("1.1", "<parameter name='passwd'/>", "").private == ("passwd",)


def test_an_agent_is_asked_once_for_each_version_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "agent"
    path.write_text("")
    asked: list[AgentSpec] = []

    def make(spec: AgentSpec) -> AgentFacts:
        asked.append(spec)
        return AgentFacts(reload="reload")

    async def use() -> None:
        reader = FactsReader(make)
        spec = AgentSpec("ocf", "test", "agent")
        assert await reader.ask(spec, "") == AgentFacts(), "a stand-in cannot reload"
        await asyncio.gather(*(reader.ask(spec, str(path)) for _ in range(3)))
        assert len(asked) == 1

    asyncio.run(use())


def test_names_that_no_server_answers_for_keep_no_start_waiting(tmp_path: Path) -> None:
    """Where remote nodes are looked up by name, every thread of the loop may wait for that."""
    path = tmp_path / "agent"
    path.write_text("#!/bin/sh\n")
    answered = threading.Event()

    async def use() -> None:
        loop = asyncio.get_running_loop()
        lookups = [loop.run_in_executor(None, answered.wait, 30) for _ in range(64)]
        try:
            facts = FactsReader(lambda _: AgentFacts(reload="reload"))
            async with asyncio.timeout(10):
                assert await facts.ask(AgentSpec("ocf", "test", "agent"), str(path)) == AgentFacts(
                    reload="reload"
                )
        finally:
            answered.set()
            await asyncio.gather(*lookups)

    asyncio.run(use())


def test_an_agent_without_a_sensible_answer_cannot_reload(tmp_path: Path) -> None:
    path = tmp_path / "resource.d" / "test" / "agent"
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\nexit 3\n")
    path.chmod(0o755)
    environ = {"OCF_ROOT": str(tmp_path), "HOME": str(tmp_path)}
    assert facts_of_machine(environ)(AgentSpec("ocf", "test", "agent")) == AgentFacts()
