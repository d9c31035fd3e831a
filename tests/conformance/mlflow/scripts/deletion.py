"""Deleting and restoring by the client: what is found afterwards, and what is refused."""
import json
import mlflow
from mlflow import MlflowClient
from mlflow.entities import ViewType

client = MlflowClient()
told = {}


def refused(call, *arguments, **more):
    try:
        call(*arguments, **more)
        return "allowed"
    except mlflow.exceptions.MlflowException as error:
        return error.error_code


experiment = client.create_experiment("deletion")
mlflow.set_experiment("deletion")
with mlflow.start_run() as run:
    mlflow.log_metric("auc", 0.7)
    mlflow.log_text("weights", "model/weights.txt")
with mlflow.start_run() as other:
    pass
run_id, other_id = run.info.run_id, other.info.run_id


def found(view=ViewType.ACTIVE_ONLY):
    names = {run_id: "run", other_id: "other"}
    return sorted(names[each.info.run_id] for each in client.search_runs([experiment], run_view_type=view))


client.delete_run(run_id)
told["run deleted"] = [
    client.get_run(run_id).info.lifecycle_stage,
    found(),
    found(ViewType.DELETED_ONLY),
    found(ViewType.ALL),
    refused(client.log_metric, run_id, "auc", 1),
    refused(client.delete_run, run_id),
]
client.restore_run(run_id)
told["run restored"] = [client.get_run(run_id).info.lifecycle_stage, client.get_run(run_id).data.metrics, found()]
told["restored twice"] = refused(client.restore_run, run_id)
told["no such run"] = [refused(client.delete_run, "0" * 32), refused(client.restore_run, "0" * 32)]

client.delete_run(other_id)
client.delete_experiment(experiment)
told["experiment deleted"] = [
    client.get_experiment(experiment).lifecycle_stage,
    client.get_run(run_id).info.lifecycle_stage,
    refused(client.create_run, experiment),
    refused(client.create_experiment, "deletion"),
    refused(client.delete_experiment, experiment),
    [each.name for each in client.search_experiments(view_type=ViewType.DELETED_ONLY)],
]
client.restore_experiment(experiment)
told["experiment restored"] = [
    client.get_experiment(experiment).lifecycle_stage,
    client.get_run(run_id).info.lifecycle_stage,
    client.get_run(other_id).info.lifecycle_stage,
]
told["no such experiment"] = [refused(client.delete_experiment, "987654"), refused(client.restore_experiment, "987654")]

source = f"{run.info.artifact_uri}/model"
client.create_registered_model("late")
for _ in range(2):
    client.create_model_version("late", source, run_id)
client.set_registered_model_alias("late", "best", "1")
client.delete_model_version("late", "1")
told["version deleted"] = [
    refused(client.get_model_version, "late", "1"),
    refused(client.get_model_version_by_alias, "late", "best"),
    [each.version for each in client.search_model_versions("name='late'")],
    refused(client.delete_model_version, "late", "1"),
]
client.delete_run(run_id)
told["version without its run"] = client.get_model_version("late", "2").status
client.restore_run(run_id)
client.delete_registered_model("late")
told["model deleted"] = [
    refused(client.get_registered_model, "late"),
    refused(client.get_model_version, "late", "2"),
    refused(client.delete_registered_model, "late"),
]
client.create_registered_model("late")
told["name again"] = client.create_model_version("late", source, run_id).version

model = mlflow.initialize_logged_model(name="m", source_run_id=run_id, experiment_id=experiment)
mlflow.finalize_logged_model(model.model_id, "READY")
client.delete_logged_model(model.model_id)
told["logged model deleted"] = [
    refused(client.get_logged_model, model.model_id),
    [each.name for each in client.search_logged_models([experiment])],
    refused(client.delete_logged_model, model.model_id),
]
print(json.dumps(told))
