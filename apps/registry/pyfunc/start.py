"""Becomes the interpreter of the model's environment: only here, where the runner has taken all privileges away.

A package that a model names could run code as soon as its interpreter starts.
"""

import json
import os
from pathlib import Path

PYTHON = json.loads(Path(os.environ["PORTAL_PARAMS"]).read_text(encoding="utf-8"))["python"]
os.execv(PYTHON, [PYTHON, "-I", str(Path(os.environ["PORTAL_INPUTS"]) / "predict.py")])  # noqa: S606
