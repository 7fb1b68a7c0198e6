" Vim syntax for configurations in the crm language.
" Made by contrib/vim/generate.py from the tables of the language: do not edit.
if exists("b:current_syntax")
  finish
endif
syntax case ignore
setlocal iskeyword=@,48-57,_,-,.
setlocal commentstring=#\ %s
syntax keyword crmPart attributes docker meta network op op_defaults op_meta op_params operations params podman port-mapping property rkt rsc_defaults storage storage-mapping utilization
syntax keyword crmRule rule and or date defined not_defined in in_range spec date_spec lt gt lte gte eq ne
syntax keyword crmRole Started Stopped Promoted Unpromoted Master Slave
syntax match crmElement /^\s*\zs\%(acl_group\|acl_target\|alert\|bundle\|clone\|collocation\|colocation\|fencing-topology\|fencing_topology\|group\|location\|master\|monitor\|ms\|node\|op_defaults\|order\|primitive\|property\|role\|rsc_defaults\|rsc_template\|rsc_ticket\|tag\|user\|xml\)\>/
syntax match crmAttribute /\<[A-Za-z_][A-Za-z0-9_.-]*\ze=/
syntax match crmOption /\<\%(container-attribute-target\|crmd-finalization-timeout\|join-finalization-timeout\|cluster-recheck-interval\|crmd-integration-timeout\|fencing-watchdog-timeout\|join-integration-timeout\|stonith-watchdog-timeout\|cancel-removed-actions\|cluster-infrastructure\|priority-fencing-delay\|remote-connect-timeout\|start-failure-is-fatal\|stop-removed-resources\|allow-unhealthy-nodes\|crmd-transition-delay\|enable-startup-probes\|stop-orphan-resources\|fencing-max-attempts\|node-health-strategy\|node-pending-timeout\|remote-allow-migrate\|stonith-max-attempts\|migration-threshold\|pe-error-series-max\|pe-input-series-max\|resource-stickiness\|shutdown-escalation\|shutdown-lock-limit\|stop-orphan-actions\|concurrent-fencing\|node-health-yellow\|pe-warn-series-max\|placement-strategy\|resource-discovery\|stop-all-resources\|cluster-ipc-limit\|node-action-limit\|node-health-green\|promoted-node-max\|remove-after-stop\|symmetric-cluster\|election-timeout\|fencing-reaction\|last-lrm-refresh\|maintenance-mode\|no-quorum-policy\|node-health-base\|transition-delay\|failure-timeout\|fencing-enabled\|fencing-timeout\|globally-unique\|interval-origin\|master-node-max\|migration-limit\|multiple-active\|node-health-red\|startup-fencing\|stonith-enabled\|stonith-timeout\|clone-node-max\|fence-reaction\|fencing-action\|load-threshold\|record-pending\|stonith-action\|allow-migrate\|cluster-delay\|have-watchdog\|shutdown-lock\|cluster-name\|promoted-max\|restart-type\|batch-limit\|dc-deadtime\|description\|maintenance\|remote-addr\|remote-node\|remote-port\|start-delay\|target-role\|collocated\|dc-version\|enable-acl\|interleave\|is-managed\|master-max\|promotable\|clone-max\|clone-min\|container\|critical\|interval\|priority\|provides\|requires\|enabled\|on-fail\|ordered\|timeout\|notify\|name\|role\|id\)\ze=/
syntax match crmScore /\%([+-]\?\%(inf\%(inity\)\?\|\d\+\)\|mandatory\|optional\|serialize\):/
syntax match crmAgent /\<\%(ocf:[^: \t]\+\|stonith\|systemd\|lsb\|service\):[^: \t]\+/
syntax match crmReference /\$\%(id\%(-ref\)\?\|role\)\ze=\|@[A-Za-z0-9_.-]\+/
syntax region crmString start=/"/ skip=/\\"/ end=/"/ oneline
syntax region crmString start=/'/ end=/'/ oneline
syntax match crmContinuation /\\$/
syntax match crmComment /^\s*#.*$/
highlight default link crmElement Statement
highlight default link crmPart Keyword
highlight default link crmRule Conditional
highlight default link crmRole Constant
highlight default link crmScore Number
highlight default link crmAgent Function
highlight default link crmAttribute Identifier
highlight default link crmOption Type
highlight default link crmString String
highlight default link crmReference Special
highlight default link crmComment Comment
highlight default link crmContinuation SpecialChar
let b:current_syntax = "crm"
