"""Every command once: its name, what it does, and an example.

The grammar (``grammar/commands.lark``) says how a command is written, this table says what it is
for; a test checks that both name the same commands. The handler of ``cmd_<level>_<command>`` is
the function ``<command>`` in ``shell/cmd_<level>.py``, loaded when it is called.
"""

from __future__ import annotations

from crmsh_py.value import frozen

LEVELS = {
    "configure": "change the configuration; nothing is done before commit",
    "resource": "start, stop, move and look after resources",
    "node": "the cluster's nodes: standby, maintenance, attributes",
    "ra": "resource agents: what there is, and what each one takes",
    "cib": "shadow configurations, to try changes on",
    "cluster": "the cluster manager: start, stop, status",
    "cibstatus": "a status made up: what would follow if nodes or resources failed",
    "corosync": "the membership layer: configuration keys and state",
    "maintenance": "leave resources alone, and run their actions by hand",
    "site": "tickets of a site",
    "options": "preferences of this user",
    "history": "what has happened: logs, transitions, configurations of the past",
    "script": "whole services in one command: choose, fill in, run",
    "lab": "clusters on this machine: create, start, break, destroy",
    "assist": "larger changes of the configuration, made for you",
    "template": "whole configurations from templates: choose one, fill it in, apply it",
}
# Levels that can only be entered from another one.
INSIDE = {"assist": "configure", "template": "configure"}


@frozen
class Declaration:
    """One command of one level. ``usage`` is what follows the command's name."""

    level: str
    name: str
    usage: str
    summary: str
    example: str

    @property
    def rule(self) -> str:
        """The grammar's rule."""
        return f"cmd_{self.level}_{self.name.replace('-', '_')}"


def place_of(level: str) -> str:
    """What is typed before a command of a level at the root, with a blank behind it."""
    if level == "root":
        return ""
    return f"{place_of(INSIDE.get(level, 'root'))}{level} "


def _level(name: str, rows: str) -> list[Declaration]:
    """Rows of ``name | usage | summary | example`` (the example without the level)."""
    declarations = []
    for row in rows.strip().splitlines():
        command, usage, summary, example = (cell.strip() for cell in row.split(" | "))
        usage = usage.replace("¦", "|").replace("—", "")
        example = f"{place_of(name)}{example}"
        declarations.append(Declaration(name, command, usage, summary, f"crm {example}"))
    return declarations


# In a cell, — stands for nothing and ¦ for a bar.
ALL: tuple[Declaration, ...] = (
    *_level(
        "root",
        """
status | [OPTION…] | show the state of the cluster | status
verify | [scores] | check the live configuration, and show scores | verify
plan | [node¦resource¦ticket EVENT NAME…] ¦ [--apply-to TARGET] | show what the cluster is about to do, or would do if, and why | plan node standby pacemaker01
test | [--lab] [--junit FILE] FILE… | run scenarios of a configuration, at once or on a lab | test examples/website.crmtest
why | RSC [NODE] | say why a resource runs where it runs | why WebSite
report | [--from TIME] [--to TIME] [--nodes A,B] [--keep-secrets] [-Z] [FILE] | collect logs and configuration into FILE.tar.gz | report /tmp/report
sbd | … | (another system: disks of sbd) | sbd status
completion | bash¦zsh¦fish | print a script for the completion of crm commands in a shell | completion bash
help | [LEVEL] [COMMAND] | explain a level or a command | help configure primitive
ls | — | list the commands that can be typed here | ls
cd | [LEVEL¦..] | go to another level | cd configure
up | — | go back one level | up
quit | — | leave | quit
""",
    ),
    *_level(
        "configure",
        """
node | UNAME [attributes N=V…] [utilization N=V…] | define a node or merge into it | node pacemaker01 attributes rack=a
primitive | ID [CLASS:[PROVIDER:]]TYPE¦@TMPL [params N=V…] [meta N=V…] [op NAME N=V…] | define a resource | primitive ip ocf:heartbeat:IPaddr2 params ip=192.168.100.100 op monitor interval=30s
rsc_template | ID [CLASS:[PROVIDER:]]TYPE [params N=V…] [op NAME N=V…] | define a template of resources | rsc_template web ocf:heartbeat:apache
group | ID RSC… [meta N=V…] | put resources together, one after the other | group site ClusterIP WebSite
clone | ID RSC [meta N=V…] | run a resource on several nodes | clone everywhere dummy
ms | ID RSC [meta N=V…] | define a promotable clone (older spelling) | ms main db
bundle | ID docker¦podman image=IMAGE [network …] [storage …] [primitive RSC] | define a bundle of containers | bundle web podman image=httpd
location | ID RSC SCORE: NODE ¦ rule … | prefer or avoid nodes | location prefer-1 WebSite 50: pacemaker01
colocation | ID SCORE: RSC WITH-RSC | keep resources together or apart | colocation website-with-ip INFINITY: WebSite ClusterIP
order | ID [KIND:] FIRST THEN | start one before the other | order apache-after-ip mandatory: ClusterIP WebSite
rsc_ticket | ID TICKET: RSC [loss-policy=…] | bind a resource to a ticket | rsc_ticket t1 siteA: WebSite
property | N=V… | set cluster properties | property stonith-enabled=false
rsc_defaults | N=V… | set defaults of resources | rsc_defaults resource-stickiness=100
op_defaults | N=V… | set defaults of operations | op_defaults timeout=240s
fencing_topology | [NODE:] DEVICES… | say which devices fence which node, in which order | fencing_topology fence1
tag | NAME: RSC… | name a set of resources | tag web: ClusterIP WebSite
role | ID read¦write¦deny SPEC… | define an access role | role reader read cib
user | UID role:ID… | define an access user (old schemas) | user bob role:watcher
acl_target | UID ROLE… | give roles to a user | acl_target bob watcher
alert | ID PATH [to RECIPIENT…] | call a program at every event | alert notify /usr/local/bin/alert.sh
monitor | RSC[:ROLE] INTERVAL[:TIMEOUT] | add a monitor operation | monitor WebSite 30s:20s
xml | XML | define an element by its XML | xml '<primitive id="x" class="ocf" provider="heartbeat" type="Dummy"/>'
show | [xml] [changed] [ID…] | show the configuration | show
edit | [xml] [changed] [ID…] | edit it with $EDITOR | edit WebSite
filter | PROGRAM [xml] [changed] [ID…] | pipe it through a program | filter "sed s/30s/10s/" ClusterIP
set | ID[.OP[.INTERVAL]].NAME VALUE | change one value | set ClusterIP.ip 192.168.100.101
modgroup | GROUP add¦remove RSC [before¦after RSC] | change the members of a group | modgroup site add mail after WebSite
delete | [--force] ID… | delete elements | delete WebSite
rename | OLD NEW | rename an element | rename WebSite Site
erase | [nodes] | delete everything | erase
default-timeouts | ID… | take the timeouts that the agents advise | default-timeouts WebSite
get-property | [-t] NAME… | print a property's effective value | get-property no-quorum-policy
load | [xml] replace¦update¦push FILE | load a configuration from a file | load update site.crm
save | [xml] [ID…] FILE | save the configuration to a file | save backup.crm
graph | [dot [FILE] ¦ svg¦png¦pdf FILE] | show the constraints as a graph | graph dot
refresh | — | drop what is pending | refresh
commit | [force] [replace] | check the changes and carry them out | commit
verify | — | check the configuration with what is pending | verify
validate-all | RSC | check its parameters against its agent | validate-all WebSite
schema | [NAME] | show or change the schema | schema
upgrade | [force] | upgrade the configuration to the newest schema | upgrade force
revisions | [COUNT] | list the stored commits | revisions
diff | REVISION [REVISION] | show what a commit changed | diff 0.5.0
rollback | REVISION | make the configuration what it was, as a new commit | rollback 0.5.0
simulate | [nograph] [scores] [utilization] [actions] | carry the pending configuration out on paper | simulate nograph
""",
    ),
    *_level(
        "resource",
        """
status | [RSC…] | show resources and where they are | status
locate | RSC… | say on which nodes resources are active | locate WebSite
start | RSC… | set target-role=Started | start WebSite
stop | RSC… | set target-role=Stopped | stop WebSite
restart | RSC… | stop, wait, start, and wait again | restart WebSite
promote | RSC | set target-role=Promoted | promote main
demote | RSC | set target-role=Unpromoted | demote main
manage | RSC… | let the cluster manage it | manage WebSite
unmanage | RSC… | leave it as it is | unmanage WebSite
maintenance | RSC [on¦off] | set its maintenance mode | maintenance WebSite on
move | RSC [NODE] [LIFETIME] [force] [--until-healthy] | move it, by a constraint | move WebSite pacemaker02
ban | RSC [NODE] [LIFETIME] [force] | keep it off a node, by a constraint | ban WebSite pacemaker01
clear | RSC [NODE] ¦ --all ¦ --expired | remove the constraints of move and ban | clear WebSite
constraints | RSC | show the constraints that name it | constraints WebSite
operations | [RSC] [NODE] | show the results of its operations | operations WebSite
scores | — | show the scores of all resources | scores
cleanup | [RSC] [NODE] | forget failures and look again | cleanup WebSite
refresh | [RSC] [NODE] | forget the whole history and look again | refresh WebSite
fail | RSC [NODE] | have it taken for failed, to see what the cluster does | fail WebSite
failcount | RSC set¦delete¦show NODE [VALUE] [OP] [INTERVAL] | show or change fail counts | failcount WebSite show pacemaker01
param | RSC set¦delete¦show NAME [VALUE] | one parameter of the agent | param ClusterIP show ip
meta | RSC set¦delete¦show NAME [VALUE] | one meta attribute | meta WebSite set priority 5
utilization | RSC set¦delete¦show NAME [VALUE] | one utilization attribute | utilization WebSite set cpu 1
secret | RSC set¦stash¦unstash¦delete¦show¦check NAME [VALUE] | a parameter that is kept out of the configuration | secret WebSite set statusurl http://localhost/
trace | RSC [OP] [INTERVAL] [/DIRECTORY] | let the agent write down what it does | trace WebSite monitor
untrace | RSC [OP] [INTERVAL] | end that | untrace WebSite monitor
""",
    ),
    *_level(
        "node",
        """
show | [NODE] | show nodes and their attributes | show
standby | [--all¦NODE…] [reboot¦forever] | move everything off a node | standby pacemaker01
online | [--all¦NODE…] | end standby | online pacemaker01
maintenance | [NODE] | leave everything on a node as it is | maintenance pacemaker01
ready | [NODE] | end maintenance | ready pacemaker01
fence | NODE | power-cycle a node by its fence device | fence pacemaker01
clearstate | [NODE] | forget everything about a node's resources | clearstate pacemaker01
delete | NODE | remove a node from the configuration | delete pacemaker03
attribute | NODE set¦delete¦show NAME [VALUE] | one lasting attribute | attribute pacemaker01 set rack a
utilization | NODE set¦delete¦show NAME [VALUE] | one capacity | utilization pacemaker01 set cpu 4
status-attr | NODE set¦delete¦show NAME [VALUE] | one attribute until the node restarts | status-attr pacemaker01 set pingd 100
server | [NODE…] | say on which node a remote or guest node depends | server
""",
    ),
    *_level(
        "ra",
        """
classes | — | list the classes of agents and their providers | classes
list | CLASS [PROVIDER] | list agents | list ocf heartbeat
providers | TYPE [CLASS] | say who provides an agent | providers apache
info | [CLASS:[PROVIDER:]]TYPE | explain an agent and its parameters | info ocf:heartbeat:IPaddr2
validate | AGENT [N=V…] | check parameters against an agent | validate ocf:heartbeat:IPaddr2 ip=192.168.100.100
""",
    ),
    *_level(
        "cluster",
        """
start | [--all¦NODE…] | start the cluster manager | start --all
stop | [--all¦NODE…] | move everything away and stop the cluster manager | stop pacemaker03
restart | [--all¦NODE…] | stop, then start | restart pacemaker03
status | — | show the subsystems of the node and whether they live | status
wait_for_startup | [SECONDS] | wait until the cluster has a DC and quorum | wait_for_startup 10
run | COMMAND [NODE…] | run a command on nodes (all) | run "uname -n"
copy | FILE [NODE…] | copy a file to the same place on nodes (all) | copy /etc/hosts
diff | FILE [--checksum] [NODE…] | compare a file between nodes | diff /etc/hosts
health | — | look for what is not well, with what to do about it | health
add | NODE [ADDRESS] | add a node to the lab and to corosync.conf | add pacemaker04 192.168.100.13
remove | NODE… | take nodes out of the cluster and out of the lab | remove pacemaker03
enable | [--all¦NODE…] | start the cluster manager whenever a node starts | enable --all
disable | [--all¦NODE…] | start the membership only when a node starts | disable pacemaker03
rename | NAME | give the cluster another name | rename site-a
crash_test | … | (use the faults of a lab) | crash_test --kill-corosync
init | … | (another way: crm lab create) | init
join | … | (another way: crm cluster add) | join
geo_init | … | (another system: booth) | geo_init
geo_join | … | (another system: booth) | geo_join
geo_init_arbitrator | … | (another system: booth) | geo_init_arbitrator
""",
    ),
    *_level(
        "corosync",
        """
show | — | print the keys of the node's configuration | show
get | KEY | print one configuration key | get totem.token
set | KEY VALUE [INDEX] | change a key of corosync.conf, its comments kept | set totem.token 4000
edit | — | change corosync.conf with $EDITOR | edit
status | [ring¦quorum] | show rings and quorum | status
log | [NODE…] | print the logs of nodes (all) | log pacemaker01
reload | — | let the running nodes read corosync.conf again | reload
diff | [--checksum] [NODE…] | compare the nodes' corosync.conf with the cluster's | diff
push | [NODE…] | copy corosync.conf to nodes (all) | push
pull | NODE | take a node's corosync.conf | pull pacemaker02
add-node | ADDRESS [NAME] | add a node to the nodelist of corosync.conf | add-node 192.168.100.13 pacemaker04
del-node | NODE | remove a node from the nodelist of corosync.conf | del-node pacemaker03
""",
    ),
    *_level(
        "maintenance",
        """
on | [RSC…] | leave resources (all) as they are | on WebSite
off | [RSC…] | let the cluster manage them again | off WebSite
action | RSC ACTION [ssh] | run an action of a resource in maintenance by hand | action WebSite monitor
""",
    ),
    *_level(
        "site",
        """
ticket | grant¦revoke¦standby¦activate¦delete¦time TICKET ¦ show [TICKET] | give, take and show tickets | ticket grant site-a
""",
    ),
    *_level(
        "options",
        """
show | [NAME¦all] | show preferences and what they are for | show
set | NAME VALUE | change a preference | set editor vi
save | — | keep the preferences for the next start | save
reset | — | forget all preferences | reset
""",
    ),
    *_level(
        "history",
        """
info | — | say what there is to look at: nodes, lines, times, commits | info
latest | — | show the newest transition and its log | latest
limit | [FROM [TO]] | look at a part of the time only | limit "2 hours ago"
source | [live¦LAB¦REPORT.tar.gz] | say or choose what to look at | source live
refresh | [force] | read the logs again | refresh
detail | 0¦1 | show important lines only, or all | detail 1
setnodes | [NODE…] | look at these nodes only | setnodes pacemaker01
exclude | [REGEX¦clear] | leave lines out that match | exclude "send_arp"
events | — | what has happened: nodes, quorum, resources, failures, commits | events
resource | RSC… | what has happened to resources | resource WebSite
node | NODE… | what has happened to nodes | node pacemaker01
log | [NODE…] | the logs of nodes, in the order of time | log pacemaker01
transitions | — | list the transitions: what was done, and how it ended | transitions
transition | [log] [NUMBER] | one transition (the newest): what was planned, and its log | transition 0
peinputs | — | list the transitions with the configuration that each began from | peinputs
show | REVISION | the configuration of that time | show 0.2
graph | REVISION | its constraints as a graph | graph 0.2
diff | REVISION [REVISION] | what changed between two configurations | diff 0.2 0.3
wdiff | REVISION [REVISION] | the same word by word | wdiff 0.2 0.3
""",
    ),
    *_level(
        "script",
        """
list | — | list the services that can be made in one command | list
show | NAME | say what it makes, and what it has to be told | show virtual-ip
verify | NAME [N=V…] | show what it would configure, and check it | verify virtual-ip ip=192.168.100.102
run | NAME [N=V…] | configure it | run virtual-ip ip=192.168.100.102
""",
    ),
    *_level(
        "cib",
        """
new | [NAME] [withstatus] [force] [empty] | make a shadow and work on it | new trial
use | [NAME¦live] | work on a shadow, or on the live cluster | use live
diff | — | compare the shadow with the live cluster | diff
commit | [NAME] [force] | make the live configuration what the shadow is | commit trial
import | FILE [NAME] | make a shadow from a file | import cib.xml trial
list | — | list the shadows | list
delete | NAME | delete a shadow | delete trial
reset | NAME | make a shadow what the live configuration is | reset trial
""",
    ),
    *_level(
        "cibstatus",
        """
load | FILE¦shadow:NAME¦live | take the status from somewhere, without changes | load live
save | [FILE¦shadow:NAME] | save the configuration with the changed status | save what-if.xml
origin | — | say where the status is from | origin
show | [changed] | print the status section, or what was changed in it | show changed
node | NODE online¦offline¦unclean | pretend that a node is so | node pacemaker01 unclean
op | OPERATION RSC EXIT-CODE [STATUS] [NODE] | pretend that an operation had this result | op monitor WebSite not_running done pacemaker01
quorum | true¦false | pretend that there is quorum, or none | quorum false
ticket | TICKET grant¦revoke¦activate¦standby | pretend that a ticket is so | ticket siteA grant
run | [nograph] [scores] [utilization] | decide what would be done | run scores
simulate | [nograph] [scores] [utilization] | and carry it out on paper | simulate nograph
""",
    ),
    *_level(
        "assist",
        """
template | RSC… | make a template of what primitives have in common | template WebA WebB
weak-bond | RSC RSC… | keep resources together as long as all of them can run | weak-bond WebA WebB
""",
    ),
    *_level(
        "template",
        """
new | [NAME] TEMPLATE… [params N=V…] | begin a configuration from templates | new site website params ip=192.168.100.100
delete | NAME [force] | delete a configuration that was begun | delete site
edit | [NAME] | fill it in with $EDITOR | edit site
list | [configs¦templates] | list what was begun and what there is | list templates
load | [NAME] | work on a configuration that was begun | load site
show | [NAME] | show what would be applied | show site
apply | [replace¦update] [NAME] | put it into the pending configuration | apply site
""",
    ),
    *_level(
        "lab",
        """
create | [--config FILE] [--nodes A,B,C¦COUNT] [--network CIDR] [--remote A,B] [--guest A,B] | make a cluster on this machine | create --config examples/corosync.conf
import | [FILE] | make a lab from the live cluster, or from a saved CIB, to try changes on | import cib.xml
start | [--corosync-only] [NODE…] | start nodes (all) | start
stop | [NODE…] | stop nodes in an orderly way (all) | stop pacemaker03
kill | NODE… | end everything on nodes at once, as a power cut | kill pacemaker01
freeze | NODE… | let nodes hang: nothing on them runs, and nothing ends | freeze pacemaker01
thaw | NODE… | let nodes that hang go on | thaw pacemaker01
reboot | NODE… | cut the power of nodes and give it back | reboot pacemaker02
delay | MS NODE… | let what nodes send come up to so many milliseconds late; 0 ends it | delay 50 pacemaker01
loss | PERCENT NODE… | lose a part of what nodes send; 0 ends it | loss 10 pacemaker01 pacemaker02
duplicate | PERCENT NODE… | send a part of it twice; 0 ends it | duplicate 20 pacemaker01
disk | slow¦full¦good NODE… | let the disks of nodes be slow, or full, or as they are | disk slow pacemaker01
partition | [--ring N] NODE… | cut nodes off from the rest | partition pacemaker01
heal | — | connect all nodes again; end delay, loss and duplicate | heal
wipe | NODE… | empty the disks of stopped nodes | wipe pacemaker02
exec | NODE¦host -- CMD… | run a command inside a node, or on the host beside them | exec pacemaker01 -- ip addr
shell | NODE¦host | open a shell there | shell pacemaker01
log | [NODE…] | print the logs of nodes (all) | log pacemaker01
list | — | list the labs of this user | list
status | — | show the lab's nodes and what runs | status
destroy | — | end the lab and remove everything of it | destroy
""",
    ),
)

BY_RULE = {declaration.rule: declaration for declaration in ALL}


def of_level(level: str) -> tuple[Declaration, ...]:
    """The commands of a level ('root' for the root) in their order."""
    return tuple(d for d in ALL if d.level == (level or "root"))
