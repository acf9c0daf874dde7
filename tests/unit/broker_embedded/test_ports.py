"""Ports, and who has them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import psutil
import pytest

from broker.embedded.errors import BrokerError
from broker.embedded.ports import free_port, is_free, name_of, require_free


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_free_port_is_free() -> None:
    port = free_port()
    assert is_free(port)
    require_free(port)


def test_a_free_port_is_another_than_one_that_is_about_to_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = free_port(), free_port()
    drawn = iter([first, first, second])
    monkeypatch.setattr("random.randrange", lambda *_: next(drawn))
    assert free_port(besides=first) == second


def test_a_port_in_use_is_told_with_its_number_and_its_process(taken: int) -> None:
    assert not is_free(taken)
    holder = rf"port {taken} is in use by {psutil.Process().name()} \(process {os.getpid()}\)"
    with pytest.raises(BrokerError, match=holder):
        require_free(taken)


def test_a_port_taken_on_all_addresses_is_in_use_here_too() -> None:
    with socket.create_server(("", 0)) as server, pytest.raises(BrokerError, match="in use"):
        require_free(server.getsockname()[1])


def test_connections_that_are_being_wound_up_do_not_hold_a_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            server.accept()[0].close()
            assert client.recv(1) == b""
    assert is_free(port)


def test_a_holder_that_may_not_be_known_is_another_users(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "net_connections", lambda _: [])
    with pytest.raises(BrokerError, match="another user's process"):
        require_free(taken)


def test_a_system_that_tells_no_connections_leaves_the_holder_unknown(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(_: str) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", forbidden)
    with pytest.raises(BrokerError, match="another user's process"):
        require_free(taken)


def test_a_process_that_has_ended_is_told_by_its_number() -> None:
    assert name_of(2**22 + 1) == "process 4194305"
