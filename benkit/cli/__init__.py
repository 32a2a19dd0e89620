"""The command line: one thin module a verb, loaded only when it is called."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module

from benkit.errors import BenkitError

__all__ = ["VERBS", "main"]

VERBS = {
    "sample": "make a small synthetic archive to try everything on",
    "scan": "read every pixel of an archive once into an inventory",
    "audit": "check whether an archive is whole and correct",
    "stats": "mean and standard deviation of the bands",
    "summary": "seasons and labels of the metadata",
    "labels": "classes and land cover of reference maps",
    "footprints": "where the patches lie, as GeoParquet",
    "overlaps": "which patches show the same ground",
    "split": "divide patches into train and test so that a score means something",
    "evaluate": "judge a split: shared ground, distances, balance",
    "report": "one HTML page: whether all is well, what there is, where it lies",
    "map": "a map for the browser, with map tiles from the internet",
    "retile": "cut a raster into parts that keep its georeference",
    "patchify": "cut the bands of a Sentinel-2 product into an archive of patches",
}
"""The verbs in the order of work, and what each does."""

_INTERRUPTED = 130
_WRONG = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status.

    0: done. 1: `audit` found something. 2: the call or its input was wrong. 130: interrupted.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # both interrupt alike
    try:
        arguments = _parser(argv).parse_args(argv)
        status: int = arguments.run(arguments)
        sys.stdout.flush()
        return status
    except BenkitError as error:
        print(f"benkit: {error}", file=sys.stderr)
        return _WRONG
    except KeyboardInterrupt:
        print("benkit: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:  # the reader of our output has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benkit", description="Check, measure, label and split Sentinel-2 patch archives."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {_version()}")
    verbs = parser.add_subparsers(
        title="verbs, in the order of work", metavar="VERB", required=True
    )
    called = next((text for text in argv if not text.startswith("-")), None)
    for name, purpose in VERBS.items():
        verb = verbs.add_parser(
            name,
            help=purpose,
            description=f"{purpose[0].upper()}{purpose[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == called:
            module = import_module(f"benkit.cli.{name}")
            verb.epilog = module.EXAMPLE
            module.add_arguments(verb)
            verb.add_argument("--json", action="store_true", help="print one JSON object")
            verb.set_defaults(run=module.run)
    return parser


def _version() -> str:
    from benkit import __version__

    return __version__
