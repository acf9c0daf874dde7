#!/bin/sh
# `sh deploy/backup.sh FOLDER` makes the folder and puts into it, as archives, what is lost with this machine's disk: what Kafka
# has, what the ingress has answered for, the songs. What runs is stopped for it, so that each file is whole, and started
# again. deploy/restore.sh is the way back; docs/docker.md tells what is not in it.
set -eu

fail() {
  echo "backup: $*" >&2
  exit 1
}

project=$(docker compose config | sed -n 's/^name: //p')
exists() {
  test -n "$(docker volume ls --quiet --filter "label=com.docker.compose.project=$project" \
    --filter "label=com.docker.compose.volume=$1")"
}
# A container of the service itself: its volume is the right one whatever the project is called, and may be read by it.
inside() {
  service=$1 program=$2
  shift 2
  docker compose run --rm --no-deps -T --entrypoint "$program" "$service" "$@" < /dev/null
}
archive() {
  inside "$1" tar -cz -C "$2" . > "$folder/part"
  mv "$folder/part" "$folder/$3.tar.gz"
  echo "$folder/$3.tar.gz"
}

folder=${1:?say which folder to make, as in: sh deploy/backup.sh ../backup}
exists spool || fail "the project $project has no volumes here. Is COMPOSE_PROJECT_NAME what it is for \`up\`?"
mkdir -m 700 "$folder"

running=$(docker compose --profile '*' ps --quiet)
if test -n "$running"; then
  # shellcheck disable=SC2086  # one word for each container
  trap 'docker start $running > /dev/null' EXIT
  trap 'exit 1' HUP INT TERM
  docker compose --profile '*' stop
fi

brokers=
for broker in kafka kafka-1 kafka-2 kafka-3; do
  exists $broker || continue
  kept=$(inside $broker ls /var/lib/kafka/data)
  test -n "$kept" || continue
  archive $broker /var/lib/kafka/data $broker
  brokers="$brokers $broker"
done
test -n "$brokers" || echo "backup: no broker of the project $project has kept anything. Is its Kafka elsewhere?" >&2
archive store /data/store store
archive ingest /var/lib/midi-ingest/spool spool  # the last one: where it is, all are
