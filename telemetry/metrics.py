"""Every metric, declared once with its meaning. Times are in seconds, sizes in bytes."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_RECORDS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500)

# Of each part: the ingress, each worker

START_TIME_SECONDS: Final = Gauge(
    "midi_ingest_start_time_seconds",
    "When a part began, in Unix time: ingest, or a worker by its name. Of several processes of one ingress, the last.",
    ["part"],
    multiprocess_mode="livemax",
)

# The ingress

REQUESTS: Final = Counter(
    "midi_ingest_requests",
    "Requests answered by the ingress, by route (callback, healthz, readyz, metrics, other) and HTTP status.",
    ["route", "status"],
)
CALLBACK_SECONDS: Final = Histogram(
    "midi_ingest_callback_seconds",
    "From a callback's first byte handled to its answer.",
    buckets=_SECONDS,
)
CALLBACK_BYTES: Final = Counter(
    "midi_ingest_callback_bytes", "Bytes of callbacks that were answered with 200."
)
CALLBACKS_IN_FLIGHT: Final = Gauge(
    "midi_ingest_callbacks_in_flight",
    "Callbacks that are being received or published.",
    multiprocess_mode="livesum",
)
REFUSED: Final = Counter(
    "midi_ingest_refused",
    "Requests and connections that a limit of the ingress refused, answered or not, by limit (docs/operations.md).",
    ["limit"],
)
HELD_BYTES: Final = Gauge(
    "midi_ingest_held_bytes",
    "Bytes of bodies that are held, by where: arriving, ahead (behind an unanswered request), kafka (waiting for it), "
    "late (not acknowledged, though the sender was told otherwise), spool (waiting for the disk).",
    ["where"],
    multiprocess_mode="livesum",
)
QUARANTINED: Final = Counter(
    "midi_ingest_quarantined",
    "Verified bodies that are no callbacks, by what became of them: kept, repeat (kept before by the same process), "
    "refused (no room).",
    ["what"],
)
CONNECTIONS: Final = Gauge(
    "midi_ingest_connections", "Connections that are open.", multiprocess_mode="livesum"
)
PUBLISHED_BATCH_RECORDS: Final = Histogram(
    "midi_ingest_published_batch_records",
    "Records that the ingress sent to a partition together.",
    buckets=_RECORDS,
)
TOO_LARGE: Final = Counter(
    "midi_ingest_too_large",
    "Times Kafka refused a record for its size: its limit is smaller than MIDI_INGEST_MAX_BODY_BYTES.",
)
PRODUCER_RESTARTS: Final = Counter(
    "midi_ingest_producer_restarts", "Times the ingress replaced its Kafka producer after an error."
)

# The spool; several processes share one, and each tells of the files that it holds

SPOOL_RECORDS: Final = Gauge(
    "midi_ingest_spool_records",
    "Records on disk that Kafka has not acknowledged.",
    multiprocess_mode="livesum",
)
SPOOL_KEPT_BACK: Final = Gauge(
    "midi_ingest_spool_kept_back_records",
    "Records on disk that are tried only every few minutes, by why: too-large (for Kafka), no-topic (it is gone), "
    "unreadable (damaged).",
    ["why"],
    multiprocess_mode="livesum",
)
SPOOL_BYTES: Final = Gauge(
    "midi_ingest_spool_bytes",
    "Bytes of keys, headers and bodies on disk that Kafka has not acknowledged.",
    multiprocess_mode="livesum",
)
SPOOL_OLDEST_AGE_SECONDS: Final = Gauge(
    "midi_ingest_spool_oldest_age_seconds",
    "How long ago the oldest record in the spool was received; 0 while it is empty.",
    multiprocess_mode="livemax",
)
SPOOL_APPENDED: Final = Counter("midi_ingest_spool_appended", "Records that were put into the spool.")
SPOOL_DRAINED: Final = Counter("midi_ingest_spool_drained", "Records from the spool that Kafka acknowledged.")
SPOOL_ERRORS: Final = Counter(
    "midi_ingest_spool_errors", "Times that SQLite or the disk failed under the spool."
)

# The workers; `worker` is the worker's name

RECORDS_IN: Final = Counter(
    "midi_ingest_worker_records_in", "Records read and committed.", ["worker", "topic"]
)
RECORDS_OUT: Final = Counter(
    "midi_ingest_worker_records_out", "Records written and committed.", ["worker", "topic"]
)
RECORDS_FAILED: Final = Counter(
    "midi_ingest_worker_records_failed",
    "Records sent to the failures topic, by reason.",
    ["worker", "reason"],
)
RECORDS_RETRIED: Final = Counter(
    "midi_ingest_worker_records_retried",
    "Failed records that were sent to wait for another try, by the worker that failed.",
    ["worker"],
)
RECORDS_DEAD: Final = Counter(
    "midi_ingest_worker_records_dead",
    "Dead letters, by the worker that failed (none for a quarantined body) and by reason.",
    ["worker", "reason"],
)
RECORDS_DROPPED: Final = Counter(
    "midi_ingest_worker_records_dropped",
    "Records that meant nothing new and were dropped, by why (repeat, pending, …).",
    ["worker", "why"],
)
BATCH_RECORDS: Final = Histogram(
    "midi_ingest_worker_batch_records", "Records in one transaction.", ["worker"], buckets=_RECORDS
)
HANDLE_SECONDS: Final = Histogram(
    "midi_ingest_worker_handle_seconds",
    "Time a batch spent in the worker's function.",
    ["worker"],
    buckets=_SECONDS,
)
TRANSACTION_SECONDS: Final = Histogram(
    "midi_ingest_worker_transaction_seconds",
    "Time from the start of a batch's transaction to its commit.",
    ["worker"],
    buckets=_SECONDS,
)
LANES: Final = Gauge(
    "midi_ingest_worker_lanes", "Lanes this process owns.", ["worker"], multiprocess_mode="livesum"
)
LANE_RESTARTS: Final = Counter(
    "midi_ingest_worker_lane_restarts", "Times a lane was rebuilt after an error of Kafka's.", ["worker"]
)
LANE_STATES: Final = Gauge(
    "midi_ingest_worker_lane_states",
    "Lanes by what they do: ready, opening, restoring, waiting (for Kafka, or what the function needs), paused (by a "
    "flood of failures), fenced.",
    ["worker", "state"],
    multiprocess_mode="livesum",
)
LAG: Final = Gauge(
    "midi_ingest_worker_lag",
    "Offsets from the next record to be handled up to the end of what the worker reads, by topic and partition.",
    ["worker", "topic", "partition"],
    multiprocess_mode="livemostrecent",
)
STABLE_LAG: Final = Gauge(
    "midi_ingest_worker_stable_lag",
    "The same up to the last stable offset: what is beyond that belongs to a transaction that is open.",
    ["worker", "topic", "partition"],
    multiprocess_mode="livemostrecent",
)
OLDEST_AGE_SECONDS: Final = Gauge(
    "midi_ingest_worker_oldest_age_seconds",
    "How long ago the oldest record could have been handled that is not; 0 when none waits. While a lane is not open: "
    "since when that is not known, at least.",
    ["worker", "partition"],
    multiprocess_mode="livemostrecent",
)
STUCK_SECONDS: Final = Gauge(
    "midi_ingest_worker_stuck_seconds",
    "For how long a lane with something to do has taken no step; each try is one, also in vain.",
    ["worker", "partition"],
    multiprocess_mode="livemostrecent",
)
TIMER_ERRORS: Final = Counter(
    "midi_ingest_worker_timer_errors", "Times a worker's timer raised an error.", ["worker"]
)
PAUSED: Final = Gauge(
    "midi_ingest_worker_paused",
    "1 while a flood of unexpected errors pauses this partition, else 0.",
    ["worker", "partition"],
    multiprocess_mode="livemostrecent",
)
STATE_KEYS: Final = Gauge(
    "midi_ingest_worker_state_keys",
    "Keys that a stateful worker keeps, by partition.",
    ["worker", "partition"],
    multiprocess_mode="livemostrecent",
)
STATE_BYTES: Final = Gauge(
    "midi_ingest_worker_state_bytes",
    "Bytes that a stateful worker's keys and values take on this machine's disk, by partition.",
    ["worker", "partition"],
    multiprocess_mode="livemostrecent",
)
STATE_RESTORED: Final = Counter(
    "midi_ingest_worker_state_restored",
    "Records of its changelog that a stateful worker has read to restore its state, by partition.",
    ["worker", "partition"],
)
STATE_RESTORE_REMAINING: Final = Gauge(
    "midi_ingest_worker_state_restore_remaining",
    "Offsets of its changelog that a stateful worker has yet to read until its state is restored, by partition.",
    ["worker", "partition"],
    multiprocess_mode="livemostrecent",
)
OFFSETS_LOST: Final = Counter(
    "midi_ingest_worker_offsets_lost",
    "Records that Kafka deleted before they were read: a committed offset lay below the log's start.",
    ["worker", "topic"],
)
AGE_SECONDS: Final = Histogram(
    "midi_ingest_worker_age_seconds",
    "From a callback's receipt to the commit of what this worker made of it.",
    ["worker"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600),
)

# What all processes share

READERS_STALLED: Final = Counter(
    "midi_ingest_readers_stalled",
    "Times a consumer handed out nothing for too long, though there were records, and was given up.",
    ["topic"],
)
