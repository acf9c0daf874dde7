"""For the image's HEALTHCHECK: exits 0 if what runs in this container is ready.

It imports nothing of midi-ingest, since it runs every few seconds in every container; nor urllib, which would ask a
proxy that Docker was told of.
"""

import http.client
import os
import ssl
import sys

TIMEOUT_SECONDS = 4


def connection() -> http.client.HTTPConnection:
    """To the health port, where there is one, as of a worker; else to the ingress."""
    if port := os.environ.get("MIDI_INGEST_HEALTH_PORT"):
        return http.client.HTTPConnection("127.0.0.1", int(port), timeout=TIMEOUT_SECONDS)
    port = os.environ.get("MIDI_INGEST_PORT") or "8080"
    if not os.environ.get("MIDI_INGEST_TLS_CERTIFICATE"):
        return http.client.HTTPConnection("127.0.0.1", int(port), timeout=TIMEOUT_SECONDS)
    # The certificate is for the name that senders know.
    anyone = ssl.create_default_context()
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection("127.0.0.1", int(port), timeout=TIMEOUT_SECONDS, context=anyone)


def main() -> int:
    """The exit code."""
    health = connection()
    try:
        health.request("GET", "/readyz")
        answer = health.getresponse()
    except OSError as error:
        print(error)
        return 1
    print(answer.read(1000).decode(errors="replace"))
    return 0 if answer.status == http.HTTPStatus.OK else 1


if __name__ == "__main__":
    sys.exit(main())
