# One image for every service; the command says which: `carewatch ingest|alerts|dashboards`.
# The package names are generic (ingest, alerts, ...), so they live in an environment of their own.
FROM python:3.12-slim
RUN useradd --create-home --uid 10001 carewatch
WORKDIR /srv
COPY pyproject.toml README.md LICENSE ./
COPY core core
COPY devices devices
COPY ingest ingest
COPY alerts alerts
COPY dashboards dashboards
COPY deploy deploy
RUN python -m venv /opt/carewatch && /opt/carewatch/bin/pip install --no-cache-dir .
ENV PATH=/opt/carewatch/bin:$PATH
USER carewatch
ENTRYPOINT ["carewatch"]
CMD ["--help"]
