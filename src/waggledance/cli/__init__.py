"""The command line: parse, call the library, print."""


def main() -> None:
    """Run `waggle`."""
    raise SystemExit("the command line is not there yet")
