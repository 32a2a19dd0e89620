"""Run all benchmarks, one after the other, and print their figures beside their targets."""

import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    for script in sorted(here.glob("*.py")):
        if script.name != Path(__file__).name:
            print(f"\n{script.name}", flush=True)
            subprocess.run([sys.executable, str(script)], check=True)
