"""``python -m benkit``."""

import sys

from benkit.cli import main

if __name__ == "__main__":
    sys.exit(main())
