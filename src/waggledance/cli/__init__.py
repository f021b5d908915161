"""The command line: parse, call the library, print."""


def main() -> None:
    """Run `waggle`."""
    from waggledance.cli._app import run

    run()


__all__ = ["main"]
