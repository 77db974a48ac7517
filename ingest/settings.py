"""What one ingest process is given. `deploy` reads the environment and makes this."""

import msgspec

BATCH_SIZE = 2_000  # messages in one transaction; the readers of the feed are built for it
LINGER = 0.05  # seconds that a batch may wait for company under load


class IngestSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the broker and the database are, and how large a batch may be."""

    mqtt_url: str
    database_url: str
    client_prefix: str = "carewatch-"  # MQTT client ids are this and the slot's name
    shared: bool = True  # subscribe as one of several workers; False for a broker without $share
    batch_size: int = BATCH_SIZE
    linger: float = LINGER

    def __repr__(self) -> str:
        return "IngestSettings(...)"  # the URLs hold passwords
