"""What is worth saying about a command beyond its summary: for help, manual page and docs.

Keyed by the grammar's rule without ``cmd_``. A line that begins with ``crm `` is one more example;
a test runs every one of them.
"""

from __future__ import annotations

DETAILS: dict[str, str] = {
    "root_status": """
Options are words (crmsh's) or options of crm_mon: bynode, inactive, ops, timing, failcounts,
tickets, brief, detail, noheaders, verbose, quiet, simple, full, xml, html.
Constraints that move and ban have left are pointed out on standard error.
crm status bynode inactive
crm status simple
crm status --output-as json
""",
    "root_verify": """
Findings go to standard error; the exit code is 78 when there is one, as crm_verify's.
""",
    "root_plan": """
Actions with the reasons for them; with nothing to do it says that the cluster is settled. Events:
node kill, leave, return, standby, online, maintenance, ready, attribute (NAME VALUE, until it
restarts); resource start, stop, promote, demote, move, ban, clear, fail (OPERATION, on NODE);
ticket grant, revoke, standby, activate. In a lab made by “crm lab import”, --apply-to shows what
its changes would do to the cluster (pacemaker, or a host: user@node) or to a saved CIB, asks, and
commits them there.
""",
    "root_why": """
With a node: why it runs there, or does not, down to the ids of constraints and their scores.
crm why WebSite pacemaker02
""",
    "root_report": """
Values of parameters called passw* are replaced everywhere, unless --keep-secrets is said; -p adds
a pattern. -Z replaces a file that is there. Times: 10:30, 2026-11-29T10:00, "2 hours ago". The
file's name goes to standard output.
crm report --from "1 hour ago" /tmp/report-of-an-hour
""",
    "resource_status": """
With names: where these resources are. Tags and patterns are allowed: web-*.
crm resource status WebSite
crm resource status --output-as json
""",
    "resource_start": """
Several resources, tags and patterns (web-*) are one change. A member that sets target-role itself
keeps it, unless options manage-children says otherwise.
crm resource start ClusterIP WebSite
""",
    "resource_stop": """
As start. With crm -w it returns when the resources have stopped.
crm -w resource stop WebSite
""",
    "resource_restart": """
Says on standard error what it waits for. Whatever happens (a time-out, Ctrl-C) the resources are
not left stopped: they are started again, and that is said.
""",
    "resource_move": """
LIFETIME is an ISO 8601 duration (P1D, PT10M) after which the constraint counts no more.
--until-healthy waits until the resource runs there and takes the constraint back, unless the
resource would leave again without it. force without a node: anywhere but here.
crm resource move WebSite pacemaker02 PT10M
""",
    "resource_ban": """
Without a node: off the only node where it is now or, of instances on several nodes, off the one of
the only promoted instance. LIFETIME as with move.
crm resource ban WebSite pacemaker01 P1D
""",
    "resource_clear": """
--expired removes the constraints whose lifetime is over, --all those of all resources.
crm resource clear --expired
crm resource clear --all
""",
    "resource_cleanup": """
Of a member of a group, or of one instance of a clone, the whole is meant.
crm resource cleanup WebSite
""",
    "resource_refresh": """
Of a member of a group, or of one instance of a clone, the whole is meant.
crm resource refresh WebSite pacemaker01
""",
    "resource_fail": """
Nothing is done to the resource itself: the cluster is told that it has failed, counts that, and
recovers. Without a node: where it runs, if that is one node only. cleanup forgets the failure.
crm resource fail WebSite pacemaker01
""",
    "resource_failcount": """
Each may name an operation and its interval: set NODE VALUE OP INTERVAL, delete NODE OP INTERVAL.
crm resource failcount WebSite set pacemaker01 3 monitor 60s
crm resource failcount WebSite delete pacemaker01 monitor 60s
""",
    "resource_param": """
set NAME VALUE, set NAME=VALUE, delete NAME, show NAME.
crm resource param ClusterIP set cidr_netmask 24
""",
    "resource_secret": """
The value stands in a file of every node (below /var/lib/pacemaker/lrm/secrets) and the
configuration says lrm:// in its place. stash moves a value there, unstash back; check compares
the nodes.
""",
    "resource_trace": """
Without an operation: all that the agent has. probe is the monitor with the interval 0.
crm resource trace WebSite start /tmp/trace
""",
    "node_standby": """
reboot: until the node restarts; forever (the default): until node online.
crm node standby pacemaker01 reboot
crm node online pacemaker01
""",
    "node_delete": """
A member is not deleted, nor a remote node that is connected. Of a node that was lost it is asked
whether it is off for sure; without that (-F says so) the status goes on telling that it may still
run something.
""",
    "node_fence": """
Asks first; crm -F does not. Needs a fence device.
""",
    "cluster_run": """
The output of every node stands below its name; the exit code is 1 if the command failed on one.
crm cluster run "uptime" pacemaker01 pacemaker02
""",
    "cluster_diff": """
The exit code is 1 when there is a difference. --checksum prints checksums instead.
crm cluster diff /etc/hosts --checksum
""",
    "cluster_health": """
Quorum, nodes, resources, failures, fencing, leftover constraints. The exit code is 1 when
something is wrong; notices are not.
""",
    "cluster_add": """
For labs: the node is in lab.json and in corosync.conf then; crm lab start NODE switches it on.
""",
    "cluster_start": """
In a lab: for a node that runs the membership only; crm lab start switches whole nodes on. On a real
cluster: Corosync and Pacemaker, by systemd; other nodes are reached by ssh, all at the same time.
""",
    "cluster_stop": """
Resources leave first. On a real cluster Corosync is stopped, too; where several nodes stop, when
nothing runs any more: no resource moves from one stopping node to the next.
""",
    "corosync_set": """
A path as corosync-cmapctl writes it: totem.token, nodelist.node.1.name; INDEX counts sections of
one name. Sections that are missing are made. A value that cannot be is refused, with its line, and
nothing is changed. crm corosync reload lets the running nodes know.
crm corosync set logging.debug on
""",
    "corosync_get": """
What the running node has; what the file says where none runs.
crm corosync get totem
""",
    "corosync_reload": """
corosync.conf is copied to all nodes, and they read it again. What cannot change while a node runs
(addresses, the transport) is said, and holds from its next start on.
""",
    "maintenance_on": """
Without a name: the property maintenance-mode, for the whole cluster.
crm maintenance on
crm maintenance off
""",
    "maintenance_action": """
Only for a resource that the cluster leaves alone. It is run on the node where the resource is. The
exit code is 0 for what is no failure: running (0), not running (7), promoted (8).
""",
    "site_ticket": """
grant, revoke: what depends on the ticket may run, or must go (as its loss-policy says). standby
takes the resources away and keeps the ticket, activate ends that. time: when it was granted last.
crm site ticket show
""",
    "options_set": """
A one-shot keeps the choice at once; in the shell, save does. The short forms of crmsh (options
editor vi) are the same. NO_COLOR, EDITOR and the options of crm itself count more.
crm options editor vi
crm options set core.wait no
""",
    "history_limit": """
FROM and TO: 10:30, 2026-11-29T10:00, "2 hours ago", 15m. Alone: all of it again. A limit holds for
the session, so it is of use in the shell and in scripts. Of a real cluster, without a limit, it is
the last hour.
""",
    "history_source": """
A report of crm report (its .tar.gz), one of your labs by its name, or live: the logs of the
cluster's nodes. A real cluster's are collected from all its nodes, once for a session; refresh
collects them again.
""",
    "history_transition": """
What was planned, how it ended and why, and from which configuration it began; log adds the lines of
the nodes from its beginning to its end.
crm history transition log 0
""",
    "script_run": """
The templates of configure template, filled in and committed at once. A mistake changes nothing.
What is there already is not overwritten, but with -F.
""",
    "configure_show": """
Words: ids and patterns of ids, type:KIND, tag:NAME, related:ID, with and/or between them; xml.
changed shows what is pending as a difference. obscure:PATTERN hides values.
crm configure show type:primitive
crm configure show tag:web and type:primitive
crm configure show related:WebSite
crm configure show --output-as json
""",
    "configure_edit": """
Words as for show: ids, patterns, type:KIND, tag:NAME, related:ID, changed (what is pending).
Without any it is everything. What the edited text no longer lists is deleted.
crm configure edit type:primitive and changed
""",
    "configure_set": """
ID is a resource, a template, a node, a set of properties or defaults, or an alert. The value has to
be there already; attributes of an operation are set where they are missing, too.
crm configure set WebSite.monitor.timeout 30s
""",
    "configure_primitive": """
Without a class and a provider ocf:heartbeat is looked at first, then others. An agent that is not
known, a parameter that it does not have and a value that cannot be are refused at once.
crm help configure op_defaults
crm ra info ocf:heartbeat:IPaddr2
""",
    "configure_location": """
SCORE is a number (a wish), inf (there, as long as the node can) or -inf (never). In RSC's place: a
tag, /PATTERN/ (all whose names it finds) or { RSC RSC }. role=ROLE limits it to a role;
resource-discovery=never or exclusive says where the resource is looked for. A rule is: rule
[$role=ROLE] [SCORE:] CONDITION [and|or CONDITION…]; without a score it is inf, a name (pingd:) is
the node attribute that holds it. Conditions: ATTRIBUTE eq|ne|lt|lte|gt|gte VALUE (integer:,
number:, version: or string: before eq and its like says how to compare), defined ATTRIBUTE,
not_defined ATTRIBUTE, date lt|gt MOMENT, date in start=MOMENT end=MOMENT (in place of one of them a
duration: hours=8), date spec hours=9-16 weekdays=1-5. #uname is the name of the node. In a shell, #
is quoted.
crm configure location connected WebSite rule -inf: not_defined pingd or pingd lte 0
crm configure location by-day WebSite rule 100: '#uname' eq pacemaker02 and date spec hours=8-17
""",
    "configure_order": """
KIND is Mandatory (the default), Optional (only if both happen at once) or Serialize (never both at
once). RSC:ACTION orders start, stop, promote or demote; without one, start. Three or more make a
chain. ( A B ) start at the same time, of [ A B ] one is enough, before what follows; in a shell,
brackets are quoted. symmetrical=false at the end: stops are not ordered the other way round.
crm configure order promote-after-ip Mandatory: ClusterIP main:promote symmetrical=false
""",
    "configure_colocation": """
The first goes where the second is: inf must, -inf never, a number is a wish. RSC:ROLE (Promoted,
Unpromoted, Started) means instances in that role. Of three or more, each goes where the one before
it is; the members of ( A B ) go with what follows and not with each other. node-attribute=NAME
after two: nodes with the same value of it (rack) count as one place.
crm configure colocation ip-with-promoted inf: ClusterIP main:Promoted
""",
    "configure_rsc_ticket": """
What is bound may run where the ticket is granted only. loss-policy says what happens when it is
lost: stop, demote, freeze (it stays) or fence (its node). RSC:ROLE binds a role. Tickets are
granted by crm site ticket.
crm configure rsc_ticket promoted-at-a siteA: main:Promoted loss-policy=demote
""",
    "configure_role": """
Each right is read, write or deny, then what it is about: cib, status, property[:NAME],
node[:NODE], nodeattr[:NAME], nodeutil[:NODE], meta:RSC[:NAME], params:RSC[:NAME],
utilization:RSC, location:RSC, ref:ID, type:TAG [attr:NAME] or xpath:XPATH. acl_target gives roles
to a user; they count when the property enable-acl is true.
crm configure role operator write meta:WebSite:target-role read cib
""",
    "configure_alert": """
The program gets the event by environment variables (CRM_alert_kind and others). attributes
NAME=VALUE are given to it, meta timeout=30s is how long it may take. select nodes fencing resources
attributes { NAME… } limits it to such events. to RECIPIENT may come several times; with values of
its own: to { RECIPIENT attributes NAME=VALUE }.
crm configure alert log-it /usr/local/bin/log.sh select nodes fencing to /var/log/events.log
""",
    "configure_rsc_defaults": """
A rule before the values says when they count (its conditions: crm help configure location).
crm configure rsc_defaults by-day: rule date spec hours=8-17 resource-stickiness=1000
""",
    "configure_load": """
replace: everything but the nodes is erased first; update: what is in the file is overwritten or
added; push: and what is not in it is removed. Any mistake, and nothing is changed. - is standard
input.
""",
    "configure_commit": """
Errors refuse the commit, warnings are told. A change that somebody else made meanwhile is kept
unless both touch the same thing. force commits in spite of errors.
""",
    "configure_rollback": """
The history is never rewritten: a rollback is a new commit.
""",
    "lab_create": """
Without --config: three nodes at 192.168.100.10 and so on; --nodes 5 makes five. CRM_LAB names the
lab; several can run side by side. --remote names hosts that run the executor only and are no
members: remote nodes. --guest names those that are off until a resource switches them on
(ocf:lab:guest).
""",
    "lab_exec": """
The exit code is the command's.
crm lab exec host -- uname -n
""",
    "lab_kill": """
What a power cut does: nothing is written, nobody is told. crm lab start switches the node on again.
""",
}


def text_of(rule: str) -> str:
    """The sentences about a command, as one text; '' for none."""
    lines = DETAILS.get(rule, "").strip().splitlines()
    return "\n".join(line for line in lines if not line.startswith("crm "))


def examples_of(rule: str) -> tuple[str, ...]:
    """The further examples of a command."""
    lines = DETAILS.get(rule, "").strip().splitlines()
    return tuple(line for line in lines if line.startswith("crm "))
