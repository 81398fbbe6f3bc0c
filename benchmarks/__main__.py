"""`python -m benchmarks engine|http`: see README.md beside this file."""

import argparse
import sys

from benchmarks.engine import command as engine
from benchmarks.http import command as http

_BENCHMARKS = {
    "engine": (engine, "the engine beside its floors and peers"),
    "http": (http, "a blocking run through the whole platform"),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    commands = parser.add_subparsers(dest="benchmark", required=True)
    for name, (command, about) in _BENCHMARKS.items():
        command.add_arguments(commands.add_parser(name, help=about))
    options = parser.parse_args()
    command, _ = _BENCHMARKS[options.benchmark]
    return command.run(options)


if __name__ == "__main__":
    sys.exit(main())
