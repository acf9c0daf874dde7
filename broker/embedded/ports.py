"""Ports of 127.0.0.1: a free one, or whether a wanted one is free, and else who has it."""

from __future__ import annotations

import errno
import random
import socket

from broker.embedded.errors import BrokerError
from broker.embedded.extra import local_extra
from broker.embedded.properties import HOST


def free_port(*, besides: int | None = None) -> int:
    """A port that nobody has now, and that is not the one ``besides``, which somebody is about to take.

    It lies below those that systems give to outgoing connections (32768 and up on Linux, 49152 elsewhere): else
    one of these could have it by the time that it is used, or used again.
    """
    ports = iter(lambda: random.randrange(20_000, 32_000), 0)  # noqa: S311
    return next(port for port in ports if port != besides and is_free(port))


def is_free(port: int) -> bool:
    """Whether a server could listen on the port."""
    return _bind_error(port) is None


def require_free(port: int) -> None:
    """Make sure that a server can listen on the port.

    Raises:
        BrokerError: it cannot; the message names the process that has the port.
    """
    error = _bind_error(port)
    if error is None:
        return
    if error.errno == errno.EADDRINUSE:
        raise BrokerError(f"port {port} is in use by {_holder(port)}: stop that, or choose another port")
    raise BrokerError(f"no server can listen on {HOST}:{port} ({error.strerror}): choose another port")


def name_of(pid: int) -> str:
    """A process as people know it, ``java (process 4711)``; without the name where it has just ended."""
    psutil = local_extra("psutil")
    try:
        return f"{psutil.Process(pid).name()} (process {pid})"
    except psutil.Error:
        return f"process {pid}"


def _bind_error(port: int) -> OSError | None:
    with socket.socket() as probe:
        # As servers do: connections that are only being wound up do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return error
    return None


def _holder(port: int) -> str:
    """Who has the port, as far as this user may know."""
    psutil = local_extra("psutil")
    try:
        sockets = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # macOS tells only root
        sockets = []
    here = (one for one in sockets if one.laddr and one.laddr.port == port)
    listening_first = sorted(here, key=lambda one: one.status != psutil.CONN_LISTEN)
    pid = next((one.pid for one in listening_first if one.pid is not None), None)
    return "another user's process, or a container's" if pid is None else name_of(pid)
