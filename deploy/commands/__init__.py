"""The subcommands of `carewatch`, one file each; `register(app)` adds it."""
