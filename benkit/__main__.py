"""``python -m benkit``."""

from benkit.cli import program

if __name__ == "__main__":
    program()
