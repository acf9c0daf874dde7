# One image for the ingress, every worker and the tools: its command is `midi-ingest`.

# With a digest, PYTHON_IMAGE=python:3.13-slim@sha256:…, the same base each time: docs/docker.md tells how to find it.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
RUN python -m venv --without-pip /opt/midi-ingest && python -m venv --without-pip /opt/build
# The dependencies by themselves: a change to the code alone does not install them again.
COPY requirements/image.txt requirements/build.txt requirements/
RUN pip --python /opt/midi-ingest install --no-cache-dir --only-binary :all: --require-hashes -r requirements/image.txt \
 && pip --python /opt/build install --no-cache-dir --only-binary :all: --require-hashes -r requirements/build.txt
COPY . .
RUN pip --python /opt/build wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
 && pip --python /opt/midi-ingest install --no-cache-dir --no-deps /wheels/*.whl

FROM ${PYTHON_IMAGE}
# An init is PID 1 also where nobody thinks of `docker run --init`: it passes SIGTERM on, and reaps what has ended.
RUN apt-get update -qq && apt-get install -qq --no-install-recommends tini && apt-get clean && rm -rf /var/lib/apt/lists/*
# 1000 is the first user of most Linux machines: what `store` writes into a mounted folder is then theirs.
RUN useradd --uid 1000 --user-group --no-create-home --home-dir / midi \
 && install --directory --owner midi --group midi /var/lib/midi-ingest/spool /var/lib/midi-ingest/state
COPY --from=build /opt/midi-ingest /opt/midi-ingest
COPY deploy/is_ready.py /opt/is_ready.py
ENV PATH=/opt/midi-ingest/bin:$PATH
USER midi
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=5s --retries=12 --start-period=3m CMD ["python", "-I", "/opt/is_ready.py"]
ENTRYPOINT ["tini", "--", "midi-ingest"]
CMD ["--help"]
# What `make up` knows; last, so that a new commit alone makes no other layer anew.
ARG VERSION= REVISION= SOURCE=
LABEL org.opencontainers.image.title="midi-ingest" \
      org.opencontainers.image.description="Takes in the MIDI callbacks of AI-music services: the ingress, the workers, the tools" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION \
      org.opencontainers.image.source=$SOURCE
