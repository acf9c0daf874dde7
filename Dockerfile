# One image for the ingress, every worker and the tools: its command is `midi-ingest`.

ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
RUN python -m venv --without-pip /opt/midi-ingest
# The dependencies by themselves: a change to the code alone does not install them again.
COPY pyproject.toml .
RUN python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' > requirements.txt \
 && pip --python /opt/midi-ingest install --no-cache-dir --only-binary :all: -r requirements.txt
COPY . .
RUN pip --python /opt/midi-ingest install --no-cache-dir --no-deps .

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
