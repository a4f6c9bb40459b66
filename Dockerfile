# Two images of one tree: `docker build --target service .` and `--target inference .`
# The base is pinned by tag; its digest is the builder's to pin (name:tag@sha256:...) where builds
# must be the same to the byte. Every Python package is pinned by hash in requirements/.

FROM python:3.11-slim-bookworm AS python
ENV PATH=/opt/himari/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# Tools and caches stay in the builders; only the environment that they fill leaves. Packages come
# before the project's own files, which change more often. What a server never imports (pictures of
# the demo, tests of packages; tests/stack/test_image.py holds the lists to it) is taken out again.
FROM python AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY requirements/dev.txt requirements/
RUN python3 -m venv /opt/himari \
    && sed '/^setuptools==/,/[^\\]$/!d' requirements/dev.txt > requirements/build.txt

FROM builder AS service-builder
WORKDIR /build
COPY requirements/base.txt requirements/web.txt requirements/
RUN /opt/himari/bin/pip install --require-hashes -r requirements/base.txt \
    && /opt/himari/bin/pip install --require-hashes --no-deps -r requirements/web.txt \
    && /opt/himari/bin/pip uninstall --yes \
       contourpy cycler fonttools kiwisolver matplotlib pillow pyparsing python-dateutil \
    && find /opt/himari -type d -name tests -prune -exec rm -r {} +
COPY pyproject.toml README.md ./
COPY app app
COPY edge edge
RUN /opt/himari/bin/pip install --require-hashes -r requirements/build.txt \
    && /opt/himari/bin/pip install --no-deps --no-build-isolation . \
    && /opt/himari/bin/pip uninstall --yes setuptools pip

FROM builder AS inference-builder
WORKDIR /build
COPY requirements/inference.txt requirements/
RUN /opt/himari/bin/pip install --require-hashes -r requirements/inference.txt \
    && /opt/himari/bin/pip uninstall --yes \
       contourpy cycler fonttools kiwisolver matplotlib pillow pyparsing python-dateutil \
       alembic apprise daqp mako piqp psycopg psycopg-binary scipy sqlalchemy watchfiles \
    && find /opt/himari -type d -name tests -prune -exec rm -r {} +
COPY pyproject.toml README.md ./
COPY app app
COPY edge edge
COPY inference_server inference_server
RUN /opt/himari/bin/pip install --require-hashes -r requirements/build.txt \
    && /opt/himari/bin/pip install --no-deps --no-build-isolation . \
    && /opt/himari/bin/pip uninstall --yes setuptools pip

# The user has a fixed number, so that a volume keeps its owner over rebuilds; only /data is theirs.
FROM python AS runtime
RUN groupadd --gid 10001 himari \
    && useradd --uid 10001 --gid himari --no-create-home --home-dir /data \
       --shell /usr/sbin/nologin himari \
    && install -d -o himari -g himari -m 0700 /data
WORKDIR /data
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["himari"]

FROM runtime AS service
LABEL org.opencontainers.image.title="himari-service" \
      org.opencontainers.image.description="HIMARI Layer 3: signals in, target positions out" \
      org.opencontainers.image.version="0.1.0"
COPY --from=service-builder /opt/himari /opt/himari
ENV HIMARI_HOST=0.0.0.0 \
    HIMARI_PORT=8000 \
    HIMARI_DATABASE_URL=sqlite:////data/himari.db
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python3", "-c", "import sys; from http.client import HTTPConnection; asked = HTTPConnection('127.0.0.1', 8000, timeout=4); asked.request('GET', '/health/ready'); sys.exit(asked.getresponse().status != 200)"]
CMD ["serve"]

FROM runtime AS inference
LABEL org.opencontainers.image.title="himari-inference" \
      org.opencontainers.image.description="HIMARI's inference server with the shipped models" \
      org.opencontainers.image.version="0.1.0"
COPY --from=inference-builder /opt/himari /opt/himari
# ONNX Runtime would send usage data to its maker.
ENV ORT_DISABLE_TELEMETRY=1 \
    HIMARI_INFERENCE_HOST=0.0.0.0 \
    HIMARI_INFERENCE_PORT=8888
EXPOSE 8888
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python3", "-c", "import sys; from http.client import HTTPConnection; asked = HTTPConnection('127.0.0.1', 8888, timeout=4); asked.request('GET', '/health/ready'); sys.exit(asked.getresponse().status != 200)"]
CMD ["inference"]
