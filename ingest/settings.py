"""What one ingest process is given. `deploy` reads the environment and makes this."""

import msgspec

BATCH_SIZE = 2_000  # messages in one transaction; the readers of the feed are built for it
LINGER = 0.05  # seconds that a batch may wait for company under load


class IngestSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the broker and the database are, and how large a batch may be."""

    mqtt_url: str
    database_url: str
    client_prefix: str = "carewatch-"  # MQTT client ids are this and the slot's name
    control_url: str | None = None  # an account that manages those of devices; None: nobody's here
    # Share the load between several processes by `$share`, instead of one working and the others
    # standing by. Needs a broker that keeps shared subscriptions over its own restart: Mosquitto
    # from 2.0.12 on (2.0.11 loses what comes between its restart and our reconnection).
    shared: bool = False
    batch_size: int = BATCH_SIZE
    linger: float = LINGER

    def __repr__(self) -> str:
        return "IngestSettings(...)"  # the URLs hold passwords
