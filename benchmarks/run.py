"""Run all benchmarks, one after the other, and print their figures beside their targets."""

import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    missed = []
    for script in sorted(here.glob("*.py")):
        if script.name != Path(__file__).name:
            print(f"\n{script.name}", flush=True)
            if subprocess.run([sys.executable, str(script)], check=False).returncode:
                missed.append(script.name)
    sys.exit(f"a target was missed: {', '.join(missed)}" if missed else 0)
