"""The command line: parse, call the library, print."""


def main() -> None:
    """Run `waggle`."""
    import sys

    try:
        from waggledance.cli._app import run

        run()
    except KeyboardInterrupt:  # while it loads; commands end well themselves
        sys.stderr.write("waggle: interrupted\n")
        sys.exit(130)


__all__ = ["main"]
