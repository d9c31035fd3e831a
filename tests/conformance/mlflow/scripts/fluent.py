"""What training code does: experiments, runs, nested runs, params, metrics, tags, inputs."""
import json
import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

client = MlflowClient()
told = {}

experiment = mlflow.set_experiment("flights")
told["again"] = mlflow.set_experiment("flights").experiment_id == experiment.experiment_id
mlflow.set_experiment_tags({"team": "air", "note": ""})
told["experiment"] = [experiment.name, experiment.lifecycle_stage, client.get_experiment(experiment.experiment_id).tags]

with mlflow.start_run(run_name="parent", tags={"given": "1"}, description="words") as parent:
    mlflow.log_param("depth", 3)
    mlflow.log_params({"lr": 0.1, "empty": "", "long": "x" * 7000})
    mlflow.log_param("depth", 3)
    for step, loss in enumerate([0.9, 0.5, 0.7]):
        mlflow.log_metric("loss", loss, step=step)
    mlflow.log_metric("late", 1.0, step=5, timestamp=1000)
    mlflow.log_metric("late", 2.0, step=-4, timestamp=2000)
    mlflow.log_metrics({"nan": float("nan"), "inf": float("inf"), "ninf": float("-inf"), "a b/c-d:e": 1}, step=2)
    mlflow.set_tag("stage", "first")
    mlflow.set_tags({"stage": "second", "other": "x"})
    mlflow.delete_tag("other")
    data = mlflow.data.from_pandas(pd.DataFrame({"a": [1.0, 2.0], "late": [0, 1]}), name="january", targets="late")
    mlflow.log_input(data, context="training", tags={"month": "1"})
    mlflow.log_input(data, context="training")
    mlflow.log_metric("auc", 0.7, dataset=data)
    with mlflow.start_run(run_name="child", nested=True) as child:
        mlflow.log_metric("loss", 0.1)
    with mlflow.start_run(nested=True) as unnamed:
        pass

run = client.get_run(parent.info.run_id)
told["info"] = [run.info.run_name, run.info.status, run.info.lifecycle_stage, run.info.end_time >= run.info.start_time, run.info.user_id != ""]
told["uri"] = run.info.artifact_uri.replace(run.info.run_id, "R").replace(experiment.experiment_id, "E")
told["params"] = {key: value if len(value) < 100 else len(value) for key, value in run.data.params.items()}
told["metrics"] = {key: str(value) for key, value in sorted(run.data.metrics.items())}
told["tags"] = {key: value for key, value in sorted(run.data.tags.items()) if key not in ("mlflow.user", "mlflow.source.name", "mlflow.source.git.commit")}
told["inputs"] = [
    [each.dataset.name, each.dataset.source_type, each.dataset.schema is not None, json.loads(each.dataset.profile), {tag.key: tag.value for tag in each.tags}]
    for each in run.inputs.dataset_inputs
]
told["history"] = [[each.value, each.step] for each in client.get_metric_history(run.info.run_id, "loss")]
told["late"] = [[each.value, each.step, each.timestamp] for each in client.get_metric_history(run.info.run_id, "late")]
told["no history"] = client.get_metric_history(run.info.run_id, "absent")
children = mlflow.search_runs(filter_string=f"tags.mlflow.parentRunId = '{parent.info.run_id}'", order_by=["start_time"])
told["children"] = [children.iloc[0]["tags.mlflow.runName"], len(children)]
told["generated name"] = len(client.get_run(unnamed.info.run_id).info.run_name.split("-"))

# A run is taken up again by another process, renamed, and ended as failed.
with mlflow.start_run(run_id=child.info.run_id):
    told["resumed"] = client.get_run(child.info.run_id).info.status
    mlflow.log_metric("loss", 0.05, step=1)
    mlflow.set_tag("mlflow.runName", "renamed by tag")
told["renamed by tag"] = client.get_run(child.info.run_id).info.run_name
client.update_run(child.info.run_id, status="FAILED", name="renamed by update")
changed = client.get_run(child.info.run_id)
told["updated"] = [changed.info.run_name, changed.info.status, changed.data.tags["mlflow.runName"]]

client.log_batch(
    child.info.run_id,
    metrics=[Metric(f"m{i % 10}", i, 1000 + i, i) for i in range(1000)],
    params=[],
    tags=[],
)
client.log_batch(child.info.run_id, params=[Param(f"p{i}", str(i)) for i in range(100)], tags=[RunTag(f"t{i}", str(i)) for i in range(100)])
full = client.get_run(child.info.run_id)
told["batch"] = [full.data.metrics["m9"], len(full.data.params), len([tag for tag in full.data.tags if tag.startswith("t")]), len(client.get_metric_history(child.info.run_id, "m3"))]

told["deleted"] = []
client.delete_run(child.info.run_id)
client.delete_run(child.info.run_id)
told["deleted"].append(client.get_run(child.info.run_id).info.lifecycle_stage)
told["deleted"].append(len(client.search_runs([experiment.experiment_id])))
client.restore_run(child.info.run_id)
told["deleted"].append(len(client.search_runs([experiment.experiment_id])))
client.delete_experiment(experiment.experiment_id)
told["deleted"].append(client.get_experiment_by_name("flights").lifecycle_stage)
told["deleted"].append(client.get_run(child.info.run_id).info.lifecycle_stage)
client.restore_experiment(experiment.experiment_id)
told["deleted"].append(client.get_run(child.info.run_id).info.lifecycle_stage)
client.rename_experiment(experiment.experiment_id, "flights of 2013")
told["deleted"].append(client.get_experiment(experiment.experiment_id).name)
told["absent"] = client.get_experiment_by_name("flights") is None
told["default"] = client.get_experiment("0").name

# Metrics that are queued and sent in threads of their own.
with mlflow.start_run() as queued:
    for step in range(50):
        mlflow.log_metric("async", step, step=step, synchronous=False)
    mlflow.flush_async_logging()
told["queued"] = len(client.get_metric_history(queued.info.run_id, "async"))
print(json.dumps(told))
