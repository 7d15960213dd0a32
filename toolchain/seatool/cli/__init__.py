"""The command line."""


def main() -> None:
    """Entry point of the ``seatool`` command."""
    raise SystemExit(2)
