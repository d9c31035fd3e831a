"""A stage that trains on what its project tracks and registers models that are to be converted."""

import warnings
from pathlib import Path

import lightgbm as lgb
import mlflow
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

warnings.filterwarnings("ignore")
# What is installed is known; working it out takes longer than all the rest.
plain = {"pip_requirements": ["mlflow"]}
sk = {"serialization_format": "cloudpickle", **plain}
numbers = pd.read_csv("numbers.csv")
ids = pd.read_csv("ids.csv")
clean = numbers.dropna()[["a", "b"]]
kind = (clean["a"] > 0.5).astype(int)
logistic = LogisticRegression().fit(clean, kind)
few = clean.head(3)
takes = mlflow.models.infer_signature(few, logistic.predict(few))


class Bomb(FunctionTransformer):
    """Takes six gigabytes as soon as it is read."""

    def __setstate__(self, state):
        super().__setstate__(state)
        self.memory = bytearray(6 << 30)


leaves = lgb.LGBMClassifier(verbose=-1, min_child_samples=1, max_bin=1000, min_data_in_bin=1)
leaves.fit(ids, ids["id"] % 2)
# Single precision knows these, and none of the others.
known = ids[ids["id"] < 2**24].head(5)
with mlflow.start_run():
    mlflow.sklearn.log_model(
        logistic, name="a", input_example=few, signature=takes, registered_model_name="gaps", **sk
    )
    mlflow.sklearn.log_model(logistic, name="b", signature=takes, registered_model_name="blind", **sk)
    mlflow.lightgbm.log_model(
        leaves,
        name="c",
        input_example=known,
        signature=mlflow.models.infer_signature(known, leaves.predict(known)),
        registered_model_name="lucky",
        **plain,
    )
    mlflow.sklearn.log_model(Bomb(), name="d", signature=takes, registered_model_name="bomb", **sk)
Path("trained.txt").write_text("trained")
