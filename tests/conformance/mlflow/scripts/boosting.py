"""Autolog of XGBoost and LightGBM: the same fits, and all that can be read back of their runs."""
import json
import sys
import warnings

warnings.filterwarnings("ignore")
import lightgbm
import mlflow
import numpy as np
import pandas as pd
import xgboost
from mlflow import MlflowClient

client = MlflowClient()
rng = np.random.default_rng(7)
features = pd.DataFrame(rng.normal(size=(120, 3)), columns=["a", "b", "c"])
target = (features["a"] + 0.3 * rng.normal(size=120) > 0).astype(int)
told = {}


def tree(run_id, path=None):
    return [item for each in client.list_artifacts(run_id, path) for item in ([each.path] if not each.is_dir else tree(run_id, each.path))]


def told_of(run_id, experiment_id):
    run = client.get_run(run_id)
    models = mlflow.search_logged_models(experiment_ids=[experiment_id], output_format="list")
    plain = lambda text: text.replace(run_id, "RUN").replace(experiment_id, "EXPERIMENT") if len(experiment_id) > 4 else text.replace(run_id, "RUN")
    histories = {key: [[round(each.value, 5), each.step] for each in client.get_metric_history(run_id, key)] for key in run.data.metrics}
    return {
        "status": run.info.status,
        "params": dict(sorted(run.data.params.items())),
        "metrics": {key: round(value, 5) for key, value in sorted(run.data.metrics.items())},
        "histories": dict(sorted(histories.items())),
        "tags": {key: value for key, value in sorted(run.data.tags.items()) if key in ("mlflow.autologging", "estimator_name", "mlflow.source.type")},
        "datasets": sorted([[each.dataset.name, each.dataset.digest, each.dataset.source_type, each.dataset.schema, each.dataset.profile, sorted([tag.key, tag.value] for tag in each.tags)] for each in run.inputs.dataset_inputs]),
        "outputs": len(run.outputs.model_outputs),
        "files": sorted(tree(run_id)),
        "models": [[each.name, str(each.status), dict(sorted(each.params.items())), sorted([metric.key, round(metric.value, 5), metric.step, metric.dataset_name] for metric in each.metrics), each.model_type] for each in models],
        "predictions": [round(float(each), 4) for each in np.ravel(mlflow.pyfunc.load_model(models[0].model_uri).predict(features.head(4)))],
    }


def fit(name, autolog, train):
    experiment_id = mlflow.set_experiment(name).experiment_id
    autolog()
    with mlflow.start_run() as run:
        train()
    mlflow.flush_async_logging()
    told[name] = told_of(run.info.run_id, experiment_id)


matrix = xgboost.DMatrix(features, label=target)
fit(
    "xgboost",
    lambda: mlflow.xgboost.autolog(log_input_examples=True),
    lambda: xgboost.train({"max_depth": 2, "eta": 0.5, "objective": "binary:logistic", "seed": 1, "nthread": 1}, matrix, num_boost_round=4, evals=[(matrix, "train")], verbose_eval=False),
)
fit(
    "lightgbm",
    lambda: mlflow.lightgbm.autolog(log_input_examples=True),
    lambda: lightgbm.train({"num_leaves": 4, "objective": "binary", "metric": "binary_logloss", "verbose": -1, "num_threads": 1, "seed": 1, "deterministic": True}, lightgbm.Dataset(features, label=target), num_boost_round=4, valid_sets=[lightgbm.Dataset(features, label=target)], valid_names=["train"]),
)
print(json.dumps(told))
