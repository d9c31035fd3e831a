"""Registers models that are to be converted, as training code does, and prints what was refused."""

import json
import warnings

import lightgbm as lgb
import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from sklearn.linear_model import LogisticRegression

warnings.filterwarnings("ignore")
random = np.random.default_rng(1)
numbers = pd.DataFrame(random.normal(size=(500, 3)), columns=list("abc"))
kind = (numbers["a"] > 0.5).astype(int)
# Beyond 2^24 single precision does not know neighbours apart.
large = pd.DataFrame({"id": (2**24 + random.integers(0, 64, 2000)).astype(np.float64)})
odd = (large["id"] % 2).astype(int)
# What is installed is known; working it out takes longer than all the rest.
plain = {"pip_requirements": ["mlflow"]}
asked = {"orrery.convert": "onnx"}
client = mlflow.MlflowClient()

with mlflow.start_run():
    model = LogisticRegression().fit(numbers, kind)
    late = mlflow.sklearn.log_model(
        model, name="late", input_example=numbers.head(50), serialization_format="cloudpickle", **plain
    )
    blind = mlflow.sklearn.log_model(model, name="blind", serialization_format="cloudpickle", **plain)
    leaves = lgb.LGBMClassifier(verbose=-1, min_child_samples=1, max_bin=1000, min_data_in_bin=1)
    precise = mlflow.lightgbm.log_model(
        leaves.fit(large, odd), name="precise", input_example=large.head(200), **plain
    )
mlflow.register_model(late.model_uri, "late", tags=asked)
mlflow.register_model(late.model_uri, "plain")
mlflow.register_model(blind.model_uri, "blind", tags=asked)
mlflow.register_model(precise.model_uri, "precise", tags=asked)
client.create_registered_model("each", tags=asked)
mlflow.register_model(late.model_uri, "each")
mlflow.register_model(late.model_uri, "later")
client.set_model_version_tag("later", "1", "orrery.convert", "onnx")
try:
    mlflow.register_model(late.model_uri, "plain", tags={"orrery.convert": "tflite"})
    refused = None
except MlflowException as error:
    refused = [error.error_code, error.message]
print(json.dumps({"refused": refused}))
