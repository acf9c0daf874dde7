"""What each role may do in Kafka, and no more: its access control lists (ACLs).

A role is a process with a user of its own: the ingress, a worker, who makes the topics, who repairs things. What it
needs is derived from what the code reads and writes. Which operation each of Kafka's requests asks for tells Kafka's
documentation, "Authorization Primitives"; Read and Write include Describe there, AlterConfigs includes
DescribeConfigs.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from ingest.publishing.link import NEEDED
from midi_ingest.dead_letters import marks
from midi_ingest.replays import stored
from midi_ingest.settings import Settings
from midi_ingest.workers import UnknownWorker
from schemas.callback import Callback
from schemas.dead_letter import DeadLetterStatus
from schemas.message import Topic
from schemas.topics import DEAD_LETTER, FAILURES, RETRY, changelog, distinct, retries_of, shared
from workers.runtime.api import Worker, topic_of

Resource = Literal["topic", "group", "transactional-id"]
Pattern = Literal["literal", "prefixed"]

INGEST: Final = "ingest"
TOPICS: Final = "topics"
OPERATOR: Final = "operator"

DEFAULT_PRINCIPAL: Final = "User:midi-{role}"


@dataclass(frozen=True, slots=True, order=True)
class Acl:
    """One operation on one resource, or on all whose names begin so, that a principal is allowed."""

    principal: str
    resource: Resource
    pattern: Pattern
    name: str
    operation: str


class Roles:
    """The roles of an installation with some workers."""

    def __init__(self, settings: Settings, workers: Sequence[Worker]) -> None:
        """Derive them.

        Raises:
            UnknownWorker: one of the workers is called like a role that is none of theirs.
        """
        self._settings = settings
        self._workers = {worker.name: worker for worker in workers}
        for name in self._workers.keys() & {INGEST, TOPICS, OPERATOR}:
            raise UnknownWorker(f"A worker of yours is called {name!r}, like another role: rename it.")

    @property
    def names(self) -> list[str]:
        """All roles: the ingress, each worker, and two for people."""
        return [INGEST, *self._workers, TOPICS, OPERATOR]

    def acls(self, role: str, principal: str) -> list[Acl]:
        """What a role needs; ``{role}`` in the principal stands for its name."""
        of = _Allowed(principal.replace("{role}", role), self._settings)
        match role:
            case "ingest":
                self._ingest(of)
            case "topics":
                self._topics(of)
            case "operator":
                self._operator(of)
            case _:
                self._worker(of, self._workers[role])
        return of.found

    def _ingest(self, of: _Allowed) -> None:
        """`midi-ingest ingest` and `spool drain`."""
        of.topics(NEEDED, "Write")

    def _worker(self, of: _Allowed, worker: Worker) -> None:
        """`midi-ingest worker NAME`, and `state rebuild NAME`."""
        group = self._settings.topic_prefix + worker.name
        of.topics(worker.sources, "Read")
        of.topics(map(topic_of, worker.writes), "Write")
        if FAILURES in worker.sources:
            of.all("topic", RETRY, "Write")
        else:
            of.topics([FAILURES], "Write")
        if worker.retries:
            of.all("topic", retries_of(worker.name), "Read")
        if worker.state_type:
            # A store on disk is kept only where it is known which topic it is of.
            of.topics(
                [changelog(worker.name, self._settings.dedup_window)], "Read", "Write", "DescribeConfigs"
            )
        of.allow("group", "literal", group, "Read")
        if worker.guarantee == "exactly-once":
            of.allow("transactional-id", "prefixed", f"{group}-", "Write")

    def _topics(self, of: _Allowed) -> None:
        """`midi-ingest topics apply` and `topics diff`."""
        of.topics(self._all_topics(), "Create", "Describe", "AlterConfigs")

    def _operator(self, of: _Allowed) -> None:
        """`midi-ingest dlq`, `replay`, `task`, `topics read` and `send --wait`."""
        own = [
            topic
            for worker in self._workers.values()
            for topic in map(topic_of, (*worker.reads, *worker.writes))
        ]
        of.topics(distinct([*shared(), *own]), "Read")
        of.all("topic", RETRY, "Read", "Write")
        of.topics([Callback.topic, DeadLetterStatus.topic], "Write")
        of.topics([DEAD_LETTER], "Delete")
        of.all("group", "", "Describe")
        for name in (marks.TRANSACTIONS, stored.TRANSACTIONS):
            of.allow("transactional-id", "literal", self._settings.topic_prefix + name, "Write")

    def _all_topics(self) -> Sequence[Topic]:
        own = (topic for worker in self._workers.values() for topic in worker.topics(self._settings))
        return distinct([*shared(), *own])


class _Allowed:
    """Collects what a principal is allowed."""

    def __init__(self, principal: str, settings: Settings) -> None:
        self._principal, self._layout = principal, settings.layout
        self.found: list[Acl] = []

    def allow(self, resource: Resource, pattern: Pattern, name: str, *operations: str) -> None:
        self.found += [Acl(self._principal, resource, pattern, name, operation) for operation in operations]

    def topics(self, topics: Iterable[Topic], *operations: str) -> None:
        for topic in topics:
            self.allow("topic", "literal", self._layout.name(topic), *operations)

    def all(self, resource: Resource, beginning: str, *operations: str) -> None:
        """All of this installation's whose names begin so."""
        name = self._layout.prefix + beginning
        # Kafka has no empty prefix, but a name for everything.
        self.allow(resource, "prefixed" if name else "literal", name or "*", *operations)


def commands(acls: Iterable[Acl], servers: str) -> Iterator[str]:
    """The commands of Kafka's own `kafka-acls.sh` that add some ACLs, each for resources with the same operations."""
    operations: dict[tuple[str, Resource, Pattern, str], list[str]] = {}
    for acl in acls:
        operations.setdefault((acl.principal, acl.resource, acl.pattern, acl.name), []).append(acl.operation)
    alike = sorted(operations.items(), key=_kind)
    for (principal, resource, pattern, allowed), members in groupby(alike, key=_kind):
        words = ["--bootstrap-server", servers, "--command-config", "admin.properties", "--add"]
        words += ["--allow-principal", principal]
        words += [word for operation in allowed for word in ("--operation", operation)]
        words += ["--resource-pattern-type", "prefixed"] if pattern == "prefixed" else []
        words += [word for (*_, name), _ in members for word in (f"--{resource}", name)]
        yield shlex.join(["kafka-acls.sh", *words])


def _kind(
    one: tuple[tuple[str, Resource, Pattern, str], list[str]],
) -> tuple[str, Resource, Pattern, tuple[str, ...]]:
    (principal, resource, pattern, _), operations = one
    return principal, resource, pattern, tuple(operations)
