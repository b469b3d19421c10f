"""`python -m app.cli` is `dunghen`."""

from app.cli.command import main

main()
