# relayload as an image: docker build -t relayload . && docker run --rm relayload run quickstart
FROM python:3.13.9-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY docs/relayload.schema.json docs/
COPY locustfiles locustfiles
COPY profiles profiles
COPY relayload relayload
RUN python -m venv /opt/relayload \
    && /opt/relayload/bin/pip install --no-cache-dir ".[zstd]" \
    && ln -s "$(/opt/relayload/bin/relayload locustfile)" /opt/relayload/locustfile.py

FROM python:3.13.9-slim-bookworm
COPY --from=build /opt/relayload /opt/relayload
# A fixed number, by which Kubernetes can tell that it is not root. What a run writes goes to /work.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin relayload && install -d -o 10001 -g 10001 /work
ENV PATH=/opt/relayload/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /work
USER 10001:10001
# A run ends with its verdict and says itself how it does; deploy/compose.yaml asks the ports of what listens.
HEALTHCHECK NONE
ENTRYPOINT ["relayload"]
CMD ["run", "quickstart"]
