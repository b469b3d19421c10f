"""`python -m app.cli` is `dunghen`."""

from app.cli.command import main

if __name__ == "__main__":  # a process that helps to fold imports this module too
    main()
