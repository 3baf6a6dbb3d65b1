# The image of Dateline. It serves by default, and ingests and answers without a network.
#   docker run --rm -v dateline:/data -v "$PWD/articles":/articles:ro dateline ingest /articles
#   docker run --rm -v dateline:/data -p 127.0.0.1:8000:8000 -e DATELINE_ALLOW_ANONYMOUS=1 dateline

FROM docker.io/library/python:3.12-slim AS builder

# Without pip: nothing is installed in the final image.
RUN python -m venv --without-pip /opt/dateline/venv
WORKDIR /opt/dateline/app
COPY requirements-all.lock ./
RUN pip --python /opt/dateline/venv install --quiet --no-cache-dir --disable-pip-version-check --root-user-action=ignore \
        --no-deps --require-hashes -r requirements-all.lock
COPY . .
RUN pip --python /opt/dateline/venv install --quiet --no-cache-dir --disable-pip-version-check --root-user-action=ignore \
        --no-deps --no-build-isolation -e . \
    && /opt/dateline/venv/bin/python -m compileall -q .
# Build the graphs of both networks once, so that containers start with a read-only copy.
RUN /opt/dateline/venv/bin/python -c 'from pathlib import Path; from index.embedding.local import LocalEmbedder; from index.embedding.pair_network import PairNetwork; from index.embedding.span_network import SpanNetwork; models = Path("/opt/dateline/models"); LocalEmbedder(models); SpanNetwork(models); PairNetwork(models)' \
    && chmod -R a+rX,a-w /opt/dateline

FROM docker.io/library/python:3.12-slim

RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin dateline \
    && install --directory --owner=dateline --group=dateline /data /store
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

# Check /healthz, not /readyz: a service without an index is healthy.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-c", "import http.client, os, sys; alive = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('DATELINE_PORT') or 8000), timeout=4); alive.request('GET', '/healthz'); sys.exit(alive.getresponse().status != 200)"]

# 0.0.0.0 is reachable from other hosts, so Dateline starts only with keys or DATELINE_ALLOW_ANONYMOUS=1.
ENTRYPOINT ["dateline"]
CMD ["serve", "--host", "0.0.0.0"]
