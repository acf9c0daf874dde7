"""The command `midi-ingest`: one file a verb group in `commands/`, loaded only when it is asked for.

Exit codes: 0, 1 (failed), 2 (wrong usage, or a wrong setting).
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from errno import ENOSPC
from io import TextIOWrapper
from typing import Final

from cyclopts import App, CycloptsError

from midi_ingest.version import __version__

FAILED: Final = 1
USAGE: Final = 2

app = App(
    name="midi-ingest",
    help="Takes in the MIDI callbacks of AI-music services and makes MIDI files of them, each once.",
    version=__version__,
    help_epilogue="""Settings are environment variables; `.env.example` documents each.

Examples:

    midi-ingest up                    # all of it on this machine, its own Kafka included
    midi-ingest send --wait           # post the sample callback, wait for its MIDI file
    midi-ingest worker render store   # two workers in this process
    midi-ingest topics diff           # how Kafka's topics differ from what they should be
    midi-ingest task '5c79****be8e'   # what became of a task
    midi-ingest inspect song.mid      # what is in a MIDI file
    midi-ingest dlq list              # what could not be handled""",
)
app.command(
    "midi_ingest.commands.up:up",
    name="up",
    help="Run all of it on this machine, its own Kafka included, until Ctrl-C.",
    help_epilogue="""Examples:

    midi-ingest up
    midi-ingest up --kafka-port 9192     # when 9092 is taken
    MIDI_INGEST_PORT=8090 midi-ingest up""",
)
app.command(
    "midi_ingest.commands.ingest:ingest",
    name="ingest",
    help="Take in callbacks over HTTP and publish them to Kafka.",
    help_epilogue="""Examples:

    midi-ingest ingest
    midi-ingest ingest --processes 2           # share the port; one that dies is started again
    KAFKA_BOOTSTRAP_SERVERS=kafka1:9092,kafka2:9092 midi-ingest ingest""",
)
app.command(
    "midi_ingest.commands.worker:worker",
    name="worker",
    help="Run one or more workers, in this process or in several.",
    help_epilogue="""Examples:

    midi-ingest worker deduplicate
    midi-ingest worker normalize render       # both in one process
    midi-ingest worker normalize --processes 2
    midi-ingest worker my_worker.py:loudest   # one of your own: docs/custom-workers.md
    MIDI_INGEST_HEALTH_PORT=8101 midi-ingest worker store""",
)
app.command(
    "midi_ingest.commands.workers:workers",
    name="workers",
    help="List the workers there are: what each reads, writes and remembers.",
    help_epilogue="""Examples:

    midi-ingest workers
    midi-ingest workers my_worker.py:loudest   # beside one of your own
    midi-ingest workers --output json""",
)
app.command(
    "midi_ingest.commands.topics:topics",
    name="topics",
    help="Create, compare or read Kafka's topics.",
)
app.command(
    "midi_ingest.commands.dlq:dlq",
    name="dlq",
    help="List, show, redrive or purge dead letters.",
)
app.command(
    "midi_ingest.commands.replay:replay",
    name="replay",
    help="Run stored tasks again, past the deduplication.",
    help_epilogue="""Exit codes: 0; 1 if something failed or not all was read within --timeout; 2 for wrong usage.

Examples:

    midi-ingest replay --from 2026-11-25T10:00Z --to 2026-11-25T12:00Z   # which tasks it would run again
    midi-ingest replay --from 2026-11-25T10:00Z --to 2026-11-25T12:00Z --yes
    midi-ingest replay --task '5c79****be8e' --yes
    midi-ingest replay --from 7d --only render --rate 5 --yes            # only the MIDI files, from the scores
    midi-ingest replay --from 1d --only my_worker.py:loudest --yes       # through a worker of your own""",
)
app.command(
    "midi_ingest.commands.task:task",
    name="task",
    help="Show one task's way through the topics.",
    help_epilogue="""Exit codes: 0; 1 if nothing is known of the task or not all was read within --timeout; 2 for wrong
usage.

Examples:

    midi-ingest task '5c79****be8e'
    midi-ingest task '5c79****be8e' --since 30d
    midi-ingest task '5c79****be8e' --output json""",
)
app.command(
    "midi_ingest.commands.instruments:instruments",
    name="instruments",
    help="List the instruments that are known, or tell what a name means.",
    help_epilogue="""Exit codes: 0; 1 if one of the given names is unknown; 2 for wrong usage.

Examples:

    midi-ingest instruments                       # all that are known
    midi-ingest instruments "Lead Guitar" "Kit 1" # what these mean, and why
    midi-ingest instruments "My Pad" --output json
    MIDI_INGEST_INSTRUMENT_ALIASES='My Pad=89' midi-ingest instruments 'my pad'""",
)
app.command(
    "midi_ingest.commands.inspect:inspect",
    name="inspect",
    help="Show what is in MIDI files, also as a picture.",
    help_epilogue="""Exit codes: 0; 1 if a file is damaged, too large or no MIDI file; 2 if one cannot be read, or for
wrong usage.

Examples:

    midi-ingest inspect data/store/tasks/5c79%2A%2A%2A%2Abe8e/song.mid
    midi-ingest inspect song.mid --svg song.svg   # a picture, for any browser
    midi-ingest inspect *.mid --output json
    midi-ingest inspect - < song.mid""",
)
app.command(
    "midi_ingest.commands.spool:spool",
    name="spool",
    help="Show or publish what waits on disk for Kafka.",
)
app.command(
    "midi_ingest.commands.state:state",
    name="state",
    help="Show what stateful workers remember, and repair it.",
)
app.command(
    "midi_ingest.commands.send:send",
    name="send",
    help="Post callbacks to the ingress, as a sender would.",
    help_epilogue="""Examples:

    midi-ingest send                          # the sender's own sample
    midi-ingest send song.json --wait         # a file; says where its MIDI file is
    midi-ingest send --count 100 --rate 20 --duplicate 1 --malformed 5
    midi-ingest send --count 50 --notes 2000 --wait
    MIDI_INGEST_ORIGIN=kie MIDI_INGEST_KIE_KEYS=… midi-ingest send   # signed, as the ingress asks for""",
)


def main() -> None:
    """Run the command line and exit."""
    if isinstance(sys.stdout, TextIOWrapper):
        # What its encoding lacks is written as it is on standard error.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = app(print_error=True, exit_on_error=False, result_action="return_int_as_exit_code_else_zero")
        sys.stdout.flush()
    except CycloptsError:
        sys.exit(USAGE)
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        _drop_output()
        code = 0
    except OSError as error:
        if error.errno != ENOSPC:
            raise
        _drop_output()
        code = fail(f"not all could be written: {error.strerror}. Make room, and run it again.")
    sys.exit(code)


def _drop_output() -> None:
    """Let go of what standard output does not take, which Python would write again as it exits."""
    with suppress(OSError):
        sys.stdout.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail(message: str, code: int = FAILED) -> int:
    """Say on standard error what went wrong; returns the exit code."""
    print(f"midi-ingest: {message}", file=sys.stderr)
    return code


def kafka_failed(servers: str, error: BaseException) -> int:
    """Say that Kafka is not where it should be, or does not do what it should; returns the exit code."""
    from broker import refusals  # noqa: PLC0415 - aiokafka takes long to import, and whoever comes here has it
    from broker.security import SecurityError  # noqa: PLC0415 - likewise

    if isinstance(error, SecurityError):  # its file has been there at the start
        return fail(str(error))
    if told := refusals.refusal_of(error):
        return fail(f"Kafka at {servers} refuses: {told}")
    here = servers.startswith(("127.0.0.1:", "localhost:"))
    start = "; `midi-ingest up` (in the checkout `make run`) starts one here" if here else ""
    return fail(
        f"Kafka at {servers} does not answer, or refuses: {refusals.in_words(error).rstrip('.')}. "
        f"KAFKA_BOOTSTRAP_SERVERS says where it is{start}."
    )
