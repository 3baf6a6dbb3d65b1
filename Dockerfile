# The image of Dateline: serves by default, ingests when told to, needs no network of its own.
#   docker run --rm -v dateline:/data -v "$PWD/articles":/articles:ro dateline ingest /articles
#   docker run --rm -v dateline:/data -p 127.0.0.1:8000:8000 -e DATELINE_ALLOW_ANONYMOUS=1 dateline

FROM docker.io/library/python:3.12-slim AS builder

# Without pip: what is in here goes into the image, and there nothing is installed any more.
RUN python -m venv --without-pip /opt/dateline/venv
WORKDIR /opt/dateline/app
COPY requirements.lock ./
RUN pip --python /opt/dateline/venv install --quiet --no-cache-dir --disable-pip-version-check --root-user-action=ignore \
        --no-deps --require-hashes -r requirements.lock
COPY . .
RUN pip --python /opt/dateline/venv install --quiet --no-cache-dir --disable-pip-version-check --root-user-action=ignore \
        --no-deps --no-build-isolation -e . \
    && /opt/dateline/venv/bin/python -m compileall -q .
# The embedding model's graph is made here, once, so that a container starts with it and never writes it.
RUN /opt/dateline/venv/bin/python -c 'from pathlib import Path; from index.embedding.local import LocalEmbedder; LocalEmbedder(Path("/opt/dateline/models"))' \
    && chmod -R a+rX,a-w /opt/dateline

FROM docker.io/library/python:3.12-slim

RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin dateline \
    && install --directory --owner=dateline --group=dateline /data
COPY --from=builder /opt/dateline /opt/dateline

ENV PATH=/opt/dateline/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ORT_DISABLE_TELEMETRY=1 \
    MALLOC_ARENA_MAX=2 \
    DATELINE_DATA=/data \
    DATELINE_MODELS=/opt/dateline/models
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000

# Alive is enough here: a service without an index yet is healthy, and /readyz says what it waits for.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-c", "import http.client, os, sys; alive = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('DATELINE_PORT') or 8000), timeout=4); alive.request('GET', '/healthz'); sys.exit(alive.getresponse().status != 200)"]

# Others can reach 0.0.0.0, so Dateline starts only with DATELINE_ALLOW_ANONYMOUS=1. Whoever runs the image says that.
ENTRYPOINT ["dateline"]
CMD ["serve", "--host", "0.0.0.0"]
