"""A model of Python, as MLflow saves it from its code."""

import base64
import json

import mlflow
import numpy as np
import pandas as pd


class Echo(mlflow.pyfunc.PythonModel):
    """Gives the frame back as each column came, and what its parameters are."""

    def predict(self, context, model_input, params=None):
        told = pd.DataFrame({name: [shown(value) for value in model_input[name]] for name in model_input})
        if params:
            told["params"] = json.dumps(params, sort_keys=True)
        return told


def shown(value):
    if isinstance(value, bytes):
        return "bytes " + base64.b64encode(value).decode()
    if isinstance(value, (pd.Timestamp, np.datetime64)):
        return "time " + pd.Timestamp(value).isoformat()
    return json.dumps(value, default=lambda each: each.tolist(), sort_keys=True)


mlflow.models.set_model(Echo())
