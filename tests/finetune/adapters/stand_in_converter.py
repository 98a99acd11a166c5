"""Stands in for llama.cpp's converter, whose options it takes: it knows the starter alone."""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    from tests.client.starter_gguf import write

    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("--outfile", type=Path, required=True)
    parser.add_argument("--outtype", choices=["f32", "f16", "bf16", "q8_0", "auto"], required=True)
    given = parser.parse_args()
    write(given.model, given.outfile)
