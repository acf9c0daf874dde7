#!/bin/sh
# `make up`, with Compose's options: brings everything up and says where it is, or shows what those parts said last that did
# not come up, and exits with 1. A setting that is wrong is told before anything is replaced: what runs goes on.
set -eu

# Each part that is neither ready, nor done, nor still to be started: its service, and how it is.
in_trouble() {
  docker compose "$@" ps --all --format '{{.Service}} {{.State}} {{.ExitCode}} {{.Health}}' | while read -r part state code health; do
    case $state/$code/$health in
      running/*/healthy | running/*/ | exited/0/ | created/*) ;;
      exited/*) echo "$part has exited with $code" ;;
      *) echo "$part is $state${health:+, $health}" ;;
    esac
  done | sort -u
}

tell_why() {
  in_trouble "$@" | while read -r part how; do
    printf '\n%s %s. The last that it said:\n' "$part" "$how"
    docker compose "$@" logs --no-log-prefix --tail 8 "$part" | sed 's/^/    /'
    echo "All of it: make logs S=$part"
  done
}

setting() {
  docker compose exec -T "$1" printenv "$2" || true
}

tell_where() {
  scheme=http path=$(setting ingest MIDI_INGEST_PATH) songs=$(setting store MIDI_INGEST_STORE)
  test -z "$(setting ingest MIDI_INGEST_TLS_CERTIFICATE)" || scheme=https
  url=$scheme://$(docker compose port ingest 8080)${path:-/suno-midi-callback}
  case $(setting ingest MIDI_INGEST_ORIGIN) in *url-token*) url="$url/<token>" ;; esac
  case $songs in
    /data/store | ./data/store) songs=./data/store ;;
    s3://store) songs="$songs, which is ./data/store" ;;  # the profile s3
    *://*) ;;
    *) songs="$songs in the container" ;;
  esac
  echo "Callbacks: $url, songs: $songs. Try \`make smoke\`."
}

docker compose "$@" build
docker compose "$@" run --rm --no-TTY --no-deps topics topics acls > /dev/null  # reads all settings, and asks nobody
docker compose "$@" up --detach --wait || { tell_why "$@" >&2; exit 1; }
tell_where
