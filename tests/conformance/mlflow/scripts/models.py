"""Logging a model, registering it, naming it, and loading it by every kind of address."""
import json
import warnings

warnings.filterwarnings("ignore")
import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from skl2onnx import to_onnx

client = MlflowClient()
told = {}
features, target = load_iris(return_X_y=True, as_frame=True)
fitted = LogisticRegression(max_iter=200).fit(features, target)
signature = infer_signature(features, fitted.predict(features))


def predictions(uri):
    return [int(each) for each in np.asarray(mlflow.pyfunc.load_model(uri).predict(features.head(3))).ravel()]


mlflow.set_experiment("models")
with mlflow.start_run() as run:
    info = mlflow.sklearn.log_model(
        fitted,
        name="model",
        signature=signature,
        input_example=features.head(2),
        registered_model_name="iris",
        params={"kind": "logistic"},
        tags={"colour": "blue"},
    )
    mlflow.log_metric("auc", 0.9, model_id=info.model_id)
with mlflow.start_run() as second:
    mlflow.sklearn.log_model(fitted, name="model", signature=signature, registered_model_name="iris")

version = client.get_model_version("iris", "1")
told["version"] = [version.name, version.version, version.status, version.current_stage, version.run_id == run.info.run_id, version.source == info.model_uri]
client.set_registered_model_alias("iris", "champion", "1")
client.set_registered_model_alias("iris", "challenger", "2")
client.set_registered_model_alias("iris", "champion", "2")
told["aliases"] = client.get_registered_model("iris").aliases
told["by alias"] = client.get_model_version_by_alias("iris", "champion").version
client.delete_registered_model_alias("iris", "challenger")
told["alias gone"] = list(client.get_model_version("iris", "2").aliases)
told["loaded"] = [predictions(uri) for uri in ("models:/iris@champion", "models:/iris/1", "models:/iris/latest", info.model_uri, f"runs:/{run.info.run_id}/model")]
told["flavored"] = int(mlflow.sklearn.load_model("models:/iris@champion").predict(features.head(1))[0])
told["uri"] = client.get_model_version_download_uri("iris", "1").endswith(f"/models/{info.model_id}/artifacts")

logged = mlflow.get_logged_model(info.model_id)
told["logged"] = [logged.name, str(logged.status), logged.params, logged.tags["colour"], [[metric.key, metric.value] for metric in logged.metrics]]
told["versions of it"] = [str(each["version"]) for each in json.loads(logged.tags["mlflow.modelVersions"])][0]
found = mlflow.search_logged_models(
    experiment_ids=[run.info.experiment_id],
    filter_string="name = 'model' AND params.kind = 'logistic' AND metrics.auc > 0.8",
    order_by=[{"field_name": "metrics.auc", "ascending": False}],
    output_format="list",
)
told["search"] = [each.model_id == info.model_id for each in found]
paged = client.search_logged_models(experiment_ids=[run.info.experiment_id], max_results=1)
told["page"] = [len(paged), paged.token is not None]
client.set_logged_model_tags(info.model_id, {"colour": "red"})
client.delete_logged_model_tag(info.model_id, "colour")
told["tag gone"] = "colour" in mlflow.get_logged_model(info.model_id).tags

# A model without a run of its own around it, an ONNX one, one registered afterwards, and a copied version.
mlflow.end_run()
onnx = to_onnx(fitted, features.head(1).to_numpy().astype(np.float32), options={"zipmap": False})
onnx_info = mlflow.onnx.log_model(onnx, name="onnx-model", input_example=features.head(2).to_numpy().astype(np.float32))
registered = mlflow.register_model(onnx_info.model_uri, "iris-onnx", tags={"from": "uri"})
told["registered"] = [registered.version, client.get_model_version("iris-onnx", "1").tags]
# (Loading it is left to the serving tests; clients read ONNX in ways of their own.)
told["flavors"] = sorted(mlflow.models.get_model_info("models:/iris-onnx/1").flavors)
copied = client.copy_model_version("models:/iris@champion", "iris-copy")
told["copied"] = [copied.version, copied.source, client.get_model_version_download_uri("iris-copy", "1") == client.get_model_version_download_uri("iris", "2"), predictions("models:/iris-copy/1")]
by_run = mlflow.register_model(f"runs:/{run.info.run_id}/model", "iris-by-run")
told["by run"] = [by_run.version, predictions("models:/iris-by-run/1")]
client.delete_logged_model(onnx_info.model_id)
try:
    mlflow.get_logged_model(onnx_info.model_id)
except mlflow.exceptions.MlflowException as gone:
    told["deleted"] = gone.error_code
print(json.dumps(told))
