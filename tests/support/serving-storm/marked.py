"""Gives its number back as it came, and once more with its mark on top."""

import mlflow
import pandas as pd

MARK = 0.0


class Marked(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return pd.DataFrame({"echo": model_input["x"], "sum": model_input["x"] + MARK})


mlflow.models.set_model(Marked())
