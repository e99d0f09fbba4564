# Both connectors in one small image: docker run --rm ghcr.io/crm-singer/tap-crm tap-crm --help
FROM python:3.14-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY crm_systems crm_systems
COPY crm_singer crm_singer
COPY tap_crm tap_crm
COPY target_crm target_crm
COPY crm_simulators crm_simulators
COPY schemas schemas
RUN python -m venv /opt/crm && /opt/crm/bin/pip install --no-cache-dir .

FROM python:3.14-slim
# Configurations, states, ledgers and reports lie in /data, which is the user's.
RUN useradd --create-home --home-dir /data --uid 10001 crm
COPY --from=build /opt/crm /opt/crm
ENV PATH=/opt/crm/bin:$PATH PYTHONUNBUFFERED=1
WORKDIR /data
USER 10001
CMD ["tap-crm", "--help"]
