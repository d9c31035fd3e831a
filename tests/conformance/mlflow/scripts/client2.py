"""What a client of MLflow 2 does: runs, batches, artifacts, search, registry. It has no pandas and no models."""
import json
import warnings

warnings.filterwarnings("ignore")
import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.models import Model

client = MlflowClient()
told = {"version": mlflow.__version__}

experiment = mlflow.set_experiment("two")
mlflow.set_experiment_tag("team", "air")
with mlflow.start_run(run_name="parent", tags={"a": "1"}) as run:
    mlflow.log_params({"depth": 3, "lr": 0.1})
    for step in range(5):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_metrics({"nan": float("nan"), "inf": float("inf")})
    mlflow.set_tags({"b": "2", "gone": "x"})
    mlflow.delete_tag("gone")
    mlflow.log_text("hello", "notes/hello.txt")
    mlflow.log_dict({"k": 1}, "k.json")
    with mlflow.start_run(nested=True, run_name="child"):
        mlflow.log_metric("loss", 0.1)
run_id = run.info.run_id
client.log_batch(run_id, metrics=[Metric("many", value, 1000 + value, value) for value in range(300)], params=[Param(f"p{at}", str(at)) for at in range(50)], tags=[RunTag("c", "3")])
client._record_logged_model(run_id, Model(artifact_path="model", run_id=run_id, flavors={"python_function": {"loader_module": "x", "config": {"big": 1}}}, utc_time_created="2026-01-01 00:00:00.000000", model_uuid="u"))
read = client.get_run(run_id)
told["run"] = [read.info.run_name, read.info.status, read.info.lifecycle_stage, dict(sorted(read.data.params.items())), {key: str(value) for key, value in sorted(read.data.metrics.items())}]
history = json.loads(read.data.tags["mlflow.log-model.history"])
told["tags"] = [read.data.tags["a"], read.data.tags["b"], read.data.tags["c"], "gone" in read.data.tags, [sorted(each) for each in history], history[0]["flavors"]]
told["history"] = [[each.value, each.step] for each in client.get_metric_history(run_id, "loss")] + [len(client.get_metric_history(run_id, "many"))]
told["files"] = [sorted(each.path for each in client.list_artifacts(run_id)), mlflow.artifacts.load_text(f"{run.info.artifact_uri}/notes/hello.txt"), mlflow.artifacts.load_dict(f"runs:/{run_id}/k.json")]
told["search"] = [each.info.run_name for each in client.search_runs([experiment.experiment_id], "metrics.loss < 0.5", order_by=["metrics.loss ASC"], run_view_type=ViewType.ACTIVE_ONLY)]
pages = client.search_runs([experiment.experiment_id], max_results=1, order_by=["start_time"])
told["pages"] = [pages[0].info.run_name, client.search_runs([experiment.experiment_id], max_results=1, order_by=["start_time"], page_token=pages.token)[0].info.run_name]
told["experiments"] = [each.name for each in client.search_experiments(filter_string="tags.team = 'air'")]
client.delete_run(run_id)
told["deleted"] = [client.get_run(run_id).info.lifecycle_stage, len(client.search_runs([experiment.experiment_id]))]
client.restore_run(run_id)

client.create_registered_model("model", tags={"t": "v"}, description="words")
version = client.create_model_version("model", "s3://bucket/model", run_id, tags={"k": "v"}, description="first")
second = client.create_model_version("model", "s3://bucket/model", run_id)
client.transition_model_version_stage("model", version.version, "Production")
client.transition_model_version_stage("model", second.version, "Production", archive_existing_versions=True)
client.set_registered_model_alias("model", "champion", version.version)
client.update_model_version("model", version.version, "changed")
client.set_model_version_tag("model", second.version, "x", "y")
told["versions"] = sorted([each.version, each.current_stage, each.description, each.tags, each.status, each.run_id == run_id] for each in client.search_model_versions("name = 'model'"))
told["alias"] = [client.get_model_version_by_alias("model", "champion").version, client.get_registered_model("model").aliases]
told["latest"] = [[each.version, each.current_stage] for each in client.get_latest_versions("model", ["Production"])]
told["uri"] = client.get_model_version_download_uri("model", version.version)
copied = client.copy_model_version("models:/model@champion", "copy")
told["copy"] = [copied.name, copied.version, copied.source, copied.run_id == run_id]
client.rename_registered_model("model", "renamed")
told["models"] = sorted(each.name for each in client.search_registered_models())
client.delete_model_version("renamed", second.version)
client.delete_registered_model("copy")
try:
    client.get_registered_model("copy")
except mlflow.exceptions.MlflowException as refused:
    told["gone"] = refused.error_code
try:
    client.log_param(run_id, "depth", 4)
except mlflow.exceptions.MlflowException as refused:
    told["changed param"] = refused.error_code
print(json.dumps(told))
