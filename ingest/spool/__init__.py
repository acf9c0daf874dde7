"""The durable spool: where callbacks wait on disk while Kafka does not take them.

`spool` is what the ingress uses: it appends, and drains in the background. `inbox` commits what is appended, in
groups; `drain` sends what was committed. `held` tells what this process does with which of its files. `file` is one
file of the spool in the one thread that works on it, `database` the SQLite in it, `claim` which process has it,
`threads` where the work is done. `status` only looks.
"""
