"""scikit-learn's autolog: a fit tells its params, metrics, data, plots and model by itself."""
import json
import warnings

warnings.filterwarnings("ignore")
import mlflow
from mlflow import MlflowClient
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

client = MlflowClient()
mlflow.set_experiment("autolog")
mlflow.sklearn.autolog(log_input_examples=True)
features, target = load_iris(return_X_y=True, as_frame=True)
with mlflow.start_run() as run:
    LogisticRegression(max_iter=200, C=0.5).fit(features, target)

logged = client.get_run(run.info.run_id)
model = mlflow.search_logged_models(experiment_ids=[run.info.experiment_id], output_format="list")[0]
loaded = mlflow.pyfunc.load_model(model.model_uri)
told = {
    "status": logged.info.status,
    "params": [logged.data.params["C"], logged.data.params["max_iter"]],
    "estimator": logged.data.tags["estimator_name"],
    "metrics": sorted(logged.data.metrics),
    "score": round(logged.data.metrics["training_score"], 3),
    "dataset": [[tag.value for tag in each.tags] for each in logged.inputs.dataset_inputs],
    "output": [each.model_id == model.model_id for each in logged.outputs.model_outputs],
    "files": sorted(each.path for each in client.list_artifacts(run.info.run_id)),
    "model": [model.name, str(model.status), model.source_run_id == run.info.run_id, model.params["C"], len(model.metrics) >= 7],
    "dataset of the metric": all(metric.dataset_name for metric in model.metrics),
    "predictions": [int(each) for each in loaded.predict(features.head(3))],
    "inputs": [column.name for column in loaded.metadata.get_input_schema()],
    "runs uri": [int(each) for each in mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model").predict(features.tail(2))],
}
print(json.dumps(told))
