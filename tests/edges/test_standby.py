"""An ingest process that stands by is ready only while it could take over."""

import threading

import psycopg
import pytest
from psycopg import sql

from deploy.stack.local import free_port
from ingest.lanes import slots
from ingest.service import Service
from ingest.settings import IngestSettings
from tests.waiting import until

pytestmark = pytest.mark.edge


def test_without_the_database_it_is_not_ready(database_url: str, database_cluster: str) -> None:
    broker = f"mqtt://127.0.0.1:{free_port()}"
    service = Service(IngestSettings(mqtt_url=broker, database_url=database_url))
    with psycopg.connect(database_url, autocommit=True) as other:
        slots.renew(other, slots.enrol(other), shared=False)
        other.execute("UPDATE ingest_slot SET renewed_at = now() + interval '1 hour'")
        thread = threading.Thread(target=service.run)
        thread.start()
        try:
            until(lambda: service.faults() == [])
            with psycopg.connect(database_cluster, autocommit=True) as conn:
                name = sql.Identifier(other.info.dbname)
                conn.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
                conn.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
                    " AND pid <> %s",
                    (other.info.dbname, other.info.backend_pid),
                )
            until(lambda: service.faults() == ["waiting for the database"])
        finally:
            service.stop()
            thread.join()
