# The image holds an environment with the product and nothing that builds it. Every download is pinned by hash.
FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# The development lock is what brings the build backend; this stage is thrown away.
COPY requirements.lock requirements-dev.lock ./
RUN python -m venv /opt/dunghen \
    && /opt/dunghen/bin/python -m pip install --require-hashes --requirement requirements.lock \
    && python -m pip install --require-hashes --requirement requirements-dev.lock
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY migrations migrations
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
    && /opt/dunghen/bin/python -m pip install --no-deps --no-index /wheel/*.whl

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Đúng Hẹn" \
      org.opencontainers.image.description="Defensible on-time figures for Vietnamese one-stop shops" \
      org.opencontainers.image.licenses="Apache-2.0"
# No home: nothing is kept in the container, whose database is always another (DUNGHEN_DATABASE_URL).
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin dunghen
COPY --from=build /opt/dunghen /opt/dunghen
# The root file system may be read-only; only /tmp is ever written to.
ENV PATH=/opt/dunghen/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /
EXPOSE 8000
# Whether the process answers: what a restart can mend. Whether it can do its duty, /health/ready tells.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/live', timeout=2)"]
CMD ["dunghen", "serve", "--host", "0.0.0.0", "--port", "8000"]
