"""Asks one MLflow pyfunc, in its own environment and as a user of its own: rows in, one number for each out.

Nothing of the portal is imported. Whatever the model does when it is loaded, it does here.
"""

import json
import os
from pathlib import Path
from typing import Any


def main() -> None:
    given = Path(os.environ["PORTAL_INPUTS"])
    question = json.loads((given / "question.json").read_text(encoding="utf-8"))
    answers = [float(answer) for answer in asked(given / "model", question)]
    (Path(os.environ["PORTAL_OUT"]) / "answers.json").write_text(json.dumps(answers), encoding="utf-8")


def asked(folder: Path, question: dict[str, Any]) -> Any:
    import numpy as np
    import pandas as pd
    from mlflow import pyfunc

    model = pyfunc.load_model(str(folder))
    signature = model.metadata.get_input_schema()
    table = pd.DataFrame(question["rows"]).astype(question["types"])
    if signature is not None and signature.has_input_names():
        table = table[[name for name in signature.input_names() if name in table]]
    return np.asarray(model.predict(table), dtype=float).reshape(-1)


if __name__ == "__main__":
    main()
