# One image for every service; the command says which: `carewatch ingest|alerts|dashboards`.
# The package names are generic (ingest, alerts, ...), so they live in an environment of their own.
FROM python:3.12-slim
RUN useradd --create-home --uid 10001 carewatch
WORKDIR /srv
COPY deploy/lock/service.txt ./
RUN python -m venv /opt/carewatch \
 && /opt/carewatch/bin/pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: \
    --requirement service.txt
COPY pyproject.toml README.md LICENSE ./
COPY core core
COPY devices devices
COPY ingest ingest
COPY alerts alerts
COPY dashboards dashboards
COPY deploy deploy
RUN /opt/carewatch/bin/pip install --no-cache-dir --no-deps --no-build-isolation .
ENV PATH=/opt/carewatch/bin:$PATH
USER carewatch
ENTRYPOINT ["carewatch"]
CMD ["--help"]
