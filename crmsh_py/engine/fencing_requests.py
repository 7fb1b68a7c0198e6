"""What clients of the control socket want of fencing: do it, confirm it, tell of it, forget it."""

from __future__ import annotations

from dataclasses import dataclass

from crmsh_py.engine.api import OperationFinished
from crmsh_py.engine.fencing import Fencing
from crmsh_py.engine.fencing_devices import Fit, fit, host_map, listed_hosts, names_target
from crmsh_py.engine.outbox import Outbox
from crmsh_py.engine.replica import Replica
from crmsh_py.errors import CrmError, NotFound, UsageError
from crmsh_py.scheduler.result import FenceDevice
from crmsh_py.wire import control
from crmsh_py.wire.control import (
    AskDevice,
    ConfirmFenced,
    DeviceReply,
    Done,
    FenceNode,
    FencingReply,
    ReadFencing,
)

ACTIONS = ("reboot", "off", "on")
REASON_LIMIT = 1000


@dataclass(slots=True, kw_only=True)
class FencingRequests:
    """The clients of one node, as far as they ask about fencing."""

    outbox: Outbox
    replica: Replica
    fencing: Fencing

    def handle(
        self, ticket: int, request: FenceNode | ConfirmFenced | ReadFencing | AskDevice
    ) -> None:
        """Answer now, or when the node has been fenced or the agent has ended. Raises CrmError."""
        match request:
            case FenceNode():
                self._fence(ticket, request)
            case ConfirmFenced():
                self._must_exist(request.node)
                record = self.fencing.confirm(request.node, client=request.client)
                self._answer_when_over(ticket, record.ident)
            case ReadFencing(devices=devices):
                self.outbox.reply(ticket, self._tell(devices=devices))
            case AskDevice():
                self._ask(ticket, request)

    def _ask(self, ticket: int, request: AskDevice) -> None:
        """Let the agent answer; what the configuration says of its hosts goes before its list."""
        known = {device.id: device for device in self.fencing.devices()}
        device = known.get(request.device)
        if device is None:
            raise NotFound(
                f"there is no fence device {request.device}",
                name=request.device,
                possibilities=known,
            )
        target = request.target
        if not target:
            self._query(ticket, device, "list" if request.hosts else "monitor", "")
            return
        how = fit(device, target)
        if how in (Fit.YES, Fit.NO):
            hosts = [target] if how is Fit.YES else []
            self.outbox.reply(ticket, DeviceReply(works=True, hosts=hosts))
            return
        self._query(ticket, device, "list" if how is Fit.ASK_LIST else "status", target)

    def _query(self, ticket: int, device: FenceDevice, action: str, target: str) -> None:
        def answered(event: OperationFinished) -> None:
            works = event.status == 0 and event.rc in ((0, 2) if action == "status" else (0,))
            chosen = device.parameters.get("pcmk_host_check")
            if action == "list" and target and not works and not chosen:
                self._query(ticket, device, "status", target)  # an agent that has no list
                return
            reason = "" if works else event.exit_reason or f"it ended with {event.rc}"
            hosts = [target] if target and works else []
            if action == "list" and works:
                hosts = self._hosts(device, event.output, target)
            reply = DeviceReply(works=works, hosts=hosts, reason=reason[:REASON_LIMIT])
            self.outbox.reply(ticket, reply)

        self.fencing.runner.ask(device, action, target, answered)

    def _hosts(self, device: FenceDevice, output: str, target: str) -> list[str]:
        """What a list says by the names of the cluster; with a target that one or nothing."""
        if target:
            return [target] if names_target(device, output, target) else []
        names = {node.lower(): node for node in self._nodes()}
        for node, port in host_map(device).items():
            names[port.lower()] = names.get(node, node)
        return [names.get(host, host) for host in listed_hosts(output)]

    def _fence(self, ticket: int, request: FenceNode) -> None:
        if request.action not in ACTIONS:
            raise UsageError(f"a node can be fenced by {', '.join(ACTIONS)}, not {request.action}")
        self._must_exist(request.node)
        if request.tolerance_ms:
            since = self.outbox.wall * 1000 - request.tolerance_ms
            if self.fencing.history.recent(request.node, request.action, since) is not None:
                self.outbox.reply(ticket, Done())
                return
        record = self.fencing.ask(
            request.node,
            request.action,
            client=request.client,
            timeout_ms=request.timeout_ms,
            delay_ms=request.delay_ms,
            by_hand=True,
        )
        self._answer_when_over(ticket, record.ident)

    def _answer_when_over(self, ticket: int, ident: str) -> None:
        def over(done: bool) -> None:
            record = self.fencing.history.find(ident)
            if done:
                self.outbox.reply(ticket, Done())
                return
            target = record.target if record is not None else "the node"
            reason = record.reason if record is not None else ""
            text = f"{target} could not be fenced: {reason or 'no device has worked'}"
            self.outbox.refuse(ticket, CrmError(text))

        self.fencing.when_over(ident, over)

    def _tell(self, *, devices: bool) -> FencingReply:
        nodes = self._nodes()
        return FencingReply(
            devices=[
                control.FenceDevice(
                    name=device.id,
                    agent=device.agent,
                    nodes=list(device.nodes),
                    targets=[node for node in nodes if fit(device, node) is Fit.YES],
                    asks=any(fit(device, node) in (Fit.ASK_LIST, Fit.ASK_STATUS) for node in nodes),
                )
                for device in (self.fencing.devices() if devices else ())
            ],
            records=self.fencing.history.all(),
            watchdog_ms=self.fencing.watchdog_ms,
        )

    def _nodes(self) -> list[str]:
        elements = self.replica.config.section("nodes").findall("node")
        states = self.replica.status.findall("node_state")  # remote nodes may be there only
        return list(dict.fromkeys(each.get("uname") for each in (*elements, *states)))

    def _must_exist(self, name: str) -> None:
        nodes = self._nodes()
        if name not in nodes:
            raise NotFound(
                f"there is no node {name} in the cluster", name=name, possibilities=nodes
            )
