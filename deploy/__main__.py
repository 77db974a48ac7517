"""`python -m deploy` is the `carewatch` command; the supervisor starts its children this way."""

from deploy.cli import main

main()
