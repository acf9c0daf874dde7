#!/bin/sh
# `make smoke`: posts to what runs in Docker what senders post, and looks whether it became what it should. Exits with 1,
# and says why, unless all is there within SMOKE_SECONDS a step (60).
set -eu

seconds=${SMOKE_SECONDS:-60}
run=smoke-$(date +%s)-$$  # in the ids of this run's tasks, so that nothing from before can be taken for them

midi_ingest() {
  docker compose exec -T ingest midi-ingest "$@"
}

fail() {
  echo "smoke: $*" >&2
  exit 1
}

# Songs. The sender's sample may have been here before; the five others are new, posted twice, among bodies that are none.
said=$(midi_ingest send --wait --timeout "$seconds") || fail "the sample is no song. $said"
more=$(midi_ingest send --wait --timeout "$seconds" --count 5 --notes 500 --duplicate 1 --malformed 3) ||
  fail "not all songs came, or a body that is none was taken for one. $more"
places=$(printf '%s\n' "$said" "$more" | sed -n 's|^complete .* ||p')
test "$(echo "$places" | wc -l)" = 6 || fail "6 songs were expected. $said $more"
for place in $places; do
  case $place in
    /data/store/* | s3://store/*) file=./data/store/${place#*/store/} ;;  # the profile s3 keeps its files there, too
    *) fail "cannot look into $place." ;;
  esac
  test "$(head -c 4 "$file")" = MThd || fail "$file is no MIDI file."
done

# Dead letters: a task that failed at the sender, and a callback in which no song can be found.
ends_as() {
  said=$(midi_ingest send --wait --timeout "$seconds" /dev/stdin) || true  # it is no success that the task failed
  case $said in *"failed "*"$1"*) ;; *) fail "a task had to end as $1. $said" ;; esac
}
letters() {
  midi_ingest dlq list --task "$run-failed" --task "$run-invalid" --output json
}
echo "{\"code\": 500, \"msg\": \"smoke test\", \"task_id\": \"$run-failed\"}" | ends_as provider-failed
echo "{\"code\": 200, \"data\": 7, \"task_id\": \"$run-invalid\"}" | ends_as invalid-payload
deadline=$(($(date +%s) + seconds))
until letters | grep -q '"count": 2'; do
  test "$(date +%s)" -lt "$deadline" || fail "not both dead letters came. $(letters)"
done

echo "6 songs are MIDI files in ./data/store; 3 bodies that are no callbacks became none: they were turned away, or set aside."
echo "2 tasks that can be no songs ended as such, and are dead letters: provider-failed, invalid-payload."
