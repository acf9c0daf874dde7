# One image for the ingress, every worker and the tools: its command is `midi-ingest`.

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
# 1000 is the first user of most Linux machines: what `store` writes into a mounted folder is then theirs.
RUN useradd --uid 1000 --user-group --no-create-home --home-dir / midi \
 && install --directory --owner midi --group midi /var/lib/midi-ingest/spool /var/lib/midi-ingest/state
COPY --from=build /opt/midi-ingest /opt/midi-ingest
ENV PATH=/opt/midi-ingest/bin:$PATH
USER midi
EXPOSE 8080
ENTRYPOINT ["midi-ingest"]
CMD ["--help"]
