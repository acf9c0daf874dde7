#!/bin/sh
# `sh deploy/restore.sh FOLDER` puts back what deploy/backup.sh has put into that folder. Nothing may be there yet: a Kafka and
# a state of different days would not fit.
set -eu

fail() {
  echo "restore: $*" >&2
  exit 1
}

extract() {
  docker compose run --rm --no-deps -T --entrypoint tar "$1" -xz -C "$2" < "$3"
  echo "$3"
}

folder=${1:?say which folder deploy/backup.sh has made, as in: sh deploy/restore.sh ../backup}
test -f "$folder/spool.tar.gz" || fail "$folder has no spool.tar.gz: deploy/backup.sh did not make it, or did not end."
project=$(docker compose config | sed -n 's/^name: //p')
for name in kafka kafka-1 kafka-2 kafka-3 spool state store-state; do
  volume=$(docker volume ls --quiet --filter "label=com.docker.compose.project=$project" \
    --filter "label=com.docker.compose.volume=$name")
  test -z "$volume" || fail "the volume $volume is there already. \`docker compose --profile '*' down --volumes\` deletes" \
    "what there is of the project $project."
done

docker compose run --rm --no-deps -T store-folder < /dev/null  # ./data/store may be root's as yet
for broker in kafka kafka-1 kafka-2 kafka-3; do
  ! test -f "$folder/$broker.tar.gz" || extract $broker /var/lib/kafka/data "$folder/$broker.tar.gz"
done
extract ingest /var/lib/midi-ingest/spool "$folder/spool.tar.gz"
extract store /data/store "$folder/store.tar.gz"
echo "All is back: start it as before."
