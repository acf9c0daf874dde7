"""docs/security.md tells the rights that each role has, and every setting of a secure Kafka."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

from broker import security
from midi_ingest.acls import Roles
from midi_ingest.commands.topics import wanted
from midi_ingest.settings import Settings
from workers.catalogue import BUILT_IN

PAGE = Path(__file__).parents[3] / "docs" / "security.md"
KINDS = {"topic": "topics", "group": "groups", "transactional-id": "transactional ids"}


def table() -> str:
    """The rights as the page has them: a line for each kind of resource with the same operations."""
    roles, rows = Roles(Settings(), list(BUILT_IN.values())), ["| role | may | on |", "|---|---|---|"]
    for role in roles.names:
        by_name: dict[tuple[str, str, str], list[str]] = {}
        for acl in roles.acls(role, "User:x"):
            by_name.setdefault((acl.resource, acl.pattern, acl.name), []).append(acl.operation)
        alike = sorted(by_name.items(), key=lambda one: (one[0][0] != "topic", one[0][0], one[1]))
        for index, ((resource, operations), group) in enumerate(
            groupby(alike, key=lambda one: (one[0][0], tuple(one[1])))
        ):
            names = [f"`{name}{'…' if pattern == 'prefixed' else ''}`" for (_, pattern, name), _ in group]
            everything = len(names) == len(wanted(Settings()))
            told = "all topics" if everything else f"{KINDS[resource]} {', '.join(names)}"
            rows.append(f"| {'' if index else f'`{role}`'} | {', '.join(operations)} | {told} |")
    return "\n".join(rows)


def test_the_page_has_the_rights_that_the_command_gives() -> None:
    assert table() in PAGE.read_text(), table()


def test_the_page_tells_each_setting_of_a_secure_kafka() -> None:
    assert set(re.findall(r"^\| `(KAFKA_\w+)` \|", PAGE.read_text(), re.MULTILINE)) == set(security.VARIABLES)


def test_every_link_on_the_page_leads_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)", PAGE.read_text()):
        assert (PAGE.parent / link).exists(), link
