"""One training of one variant in a process of its own: ``python -m benchmarks.child SPEC OUT``."""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from pathlib import Path

from benchmarks.measure import Probe


def main() -> int:
    spec = json.loads(Path(sys.argv[1]).read_text())
    out = Path(sys.argv[2])
    module = importlib.import_module(f"benchmarks.variants.{spec['module']}")
    probe = Probe(spec)
    try:
        result = module.run(spec, probe)
    except BaseException as error:
        traceback.print_exc()
        result = {"error": f"{type(error).__name__}: {str(error).splitlines()[:1]}"}
    out.write_text(json.dumps(result))
    sys.stdout.flush()
    sys.stderr.flush()
    # Some peers leave threads behind that would keep the process alive.
    os._exit(1 if "error" in result else 0)


if __name__ == "__main__":
    main()
