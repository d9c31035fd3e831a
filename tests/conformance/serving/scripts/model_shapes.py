"""A model of Python, as MLflow saves it from its code."""

import mlflow
import numpy as np
import pandas as pd


class Shapes(mlflow.pyfunc.PythonModel):
    """Answers in the form that its one column asks for."""

    def predict(self, context, model_input, params=None):
        rows = len(model_input)
        return {
            "array": np.arange(rows * 2, dtype="float64").reshape(rows, 2),
            "vector": np.arange(rows, dtype="int64"),
            "column": np.arange(rows, dtype="float32").reshape(rows, 1),
            "frame": pd.DataFrame({"a": np.arange(rows), "b": ["x"] * rows, "c": [0.5] * rows}),
            "series": pd.Series(np.arange(rows, dtype="float64"), name="score"),
            "dict": {"a": np.arange(rows), "b": np.ones(rows)},
            "list": ["x"] * rows,
            "gaps": np.array([np.nan, np.inf][:rows] + [1.5] * max(rows - 2, 0)),
            "bytes": [b"ab"] * rows,
            "times": pd.DataFrame({"t": pd.to_datetime(["2020-01-02T03:04:05"] * rows)}),
            "words": "no table at all",
            "nested": {"choices": [{"text": "hi", "n": rows}]},
        }[model_input["form"].iloc[0]]


mlflow.models.set_model(Shapes())
