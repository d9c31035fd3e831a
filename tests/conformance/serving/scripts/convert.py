"""Logs models of several libraries, as training code does, and writes samples of their data to ORRERY_FOLDER."""

import os
import warnings
from pathlib import Path

import lightgbm as lgb
import mlflow
import numpy as np
import pandas as pd
import xgboost as xgb
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

warnings.filterwarnings("ignore")
folder = Path(os.environ["ORRERY_FOLDER"])
random = np.random.default_rng(1)
N = 20_000
flights = pd.DataFrame(
    {
        "carrier": random.choice(["AA", "B6", "ÜA"], N),
        "hour": random.integers(0, 24, N),
        "distance": np.where(random.random(N) < 0.1, np.nan, random.uniform(100, 3000, N)),
    }
)
late = (flights["hour"] + (flights["carrier"] == "B6") * 4 + random.normal(0, 3, N) > 16).astype(int)
numbers = pd.DataFrame(random.normal(size=(N, 6)) * 1000, columns=list("abcdef"))
amount = numbers["a"] * 2 + numbers["b"].abs() + random.normal(size=N)
kind = (amount > 500).astype(int)
# Beyond 2^24 single precision does not know neighbours apart.
large = pd.DataFrame({"id": (2**24 + random.integers(0, 64, N)).astype(np.float64)})
odd = (large["id"] % 2).astype(int)
for name, rows in [("flights", flights), ("numbers", numbers), ("large", large)]:
    rows.to_parquet(folder / f"{name}.parquet")
flights.head(50).to_csv(folder / "flights.csv", index=False)


def log(flavor, model, name, rows, **more):
    signature = mlflow.models.infer_signature(rows, model.predict(rows))
    flavor.log_model(
        model,
        name="model",
        registered_model_name=name,
        signature=signature,
        input_example=rows.head(3),
        # What is installed is known; working it out takes longer than all the rest.
        pip_requirements=["mlflow"],
        **more,
    )


sk = {"serialization_format": "cloudpickle"}
pipeline = make_pipeline(
    ColumnTransformer(
        [
            ("text", OneHotEncoder(handle_unknown="ignore"), ["carrier"]),
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["hour", "distance"]),
        ]
    ),
    LogisticRegression(),
)
small = {"n_estimators": 20, "max_depth": 4, "random_state": 0}
with mlflow.start_run():
    log(mlflow.sklearn, pipeline.fit(flights, late), "late", flights, **sk)
    log(mlflow.sklearn, RandomForestClassifier(**small).fit(numbers, kind), "forest", numbers, **sk)
    log(mlflow.sklearn, GradientBoostingRegressor(**small).fit(numbers, amount), "boosted", numbers, **sk)
    log(mlflow.sklearn, HistGradientBoostingClassifier(max_iter=20).fit(numbers, kind), "histogram", numbers, **sk)
    log(mlflow.xgboost, xgb.XGBClassifier(**small).fit(numbers, kind), "xgb", numbers, model_format="json")
    single = numbers.astype(np.float32)
    log(mlflow.lightgbm, lgb.LGBMClassifier(verbose=-1, **small).fit(single, kind), "lgb", single)
    drifting = make_pipeline(StandardScaler(), xgb.XGBClassifier(n_estimators=60, max_depth=6))
    log(mlflow.sklearn, drifting.fit(numbers, kind), "drifting", numbers, **sk)
    precise = lgb.LGBMClassifier(verbose=-1, min_child_samples=1, max_bin=1000, min_data_in_bin=1)
    log(mlflow.lightgbm, precise.fit(large, odd), "precise", large)

    class Doubled(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return model_input

    mlflow.pyfunc.log_model(
        python_model=Doubled(), name="model", registered_model_name="custom", pip_requirements=["mlflow"]
    )
print("{}")
