"""What every room's tests share: a real database and a real broker, each in its own file."""

pytest_plugins = ("broker_fixtures", "database_fixtures", "timescale_fixtures")
