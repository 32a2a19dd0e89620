"""``python -m benkit``, and the command ``benkit``."""

try:
    import signal
except KeyboardInterrupt:
    raise SystemExit(130) from None


def main() -> None:
    """Run the command line; an interrupt that comes while it is loaded ends it without a word."""
    try:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    from benkit.cli import program

    program()


if __name__ == "__main__":
    main()
