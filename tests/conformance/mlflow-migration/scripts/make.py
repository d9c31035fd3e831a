"""Fills a store with one of everything that a tracking server keeps, odd values among them, by the real client."""

import json
import os
import pathlib
import tempfile

import mlflow
from mlflow import MlflowClient
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    LoggedModelStatus,
    Metric,
    Param,
    RunTag,
)

client = MlflowClient()
folder = pathlib.Path(tempfile.mkdtemp())
INF = float("inf")


def file(path, data):
    where = folder / path
    where.parent.mkdir(parents=True, exist_ok=True)
    where.write_bytes(data)
    return str(where)


# Experiments: tagged, odd, empty, deleted with a run in it.
flights = client.create_experiment("flights", tags={"team": "späti", "mlflow.note.content": "# Late\n\nflights"})
odd = client.create_experiment("Ünïcode / 漢字 🚀 quoted name")
client.create_experiment("empty one")
gone = client.create_experiment("gone")

# A finished run with history, params, tags, files.
run = client.create_run(flights, start_time=1700000000123, run_name="finished ✓", tags={"mlflow.user": "ann"}).info.run_id
client.log_batch(
    run,
    metrics=[Metric("loss", 1 / (step + 1), 1700000000000 + step, step) for step in range(900)],
    params=[Param(f"p{i}", str(i) * (i % 7)) for i in range(90)],
    tags=[RunTag("stage", "train"), RunTag("long", "x" * 5000), RunTag("empty", ""), RunTag("lines", "a\nb\r\nc\n")],
)
client.log_batch(run, metrics=[Metric("loss", 2.5, 1700000009999, -3), Metric("val/acc.top 1", 0.1 + 0.2, 1, 0)])
client.log_batch(
    run,
    metrics=[
        Metric("odd", float("nan"), 5, 1),
        Metric("odd", INF, 6, 2),
        Metric("odd", -INF, 7, 3),
        Metric("odd", 5e-324, 8, 4),
        Metric("odd", -0.0, 9, 5),
        Metric("odd", 1e308, 10, 2**40),
        Metric("only nan", float("nan"), 5, 0),
        Metric("same step", 1, 5, 0),
        Metric("same step", 2, 5, 0),
    ],
)
for path, data in {
    "a.txt": b"hello",
    "empty": b"",
    "deep/er/and/deeper/still.bin": bytes(range(256)) * 50,
    "names/with space + plus+ ü 漢.txt": b"odd name",
}.items():
    parent = str(pathlib.PurePosixPath(path).parent)
    client.log_artifact(run, file(path, data), None if parent == "." else parent)
client.log_inputs(
    run,
    [
        DatasetInput(
            Dataset("train", "d1", "local", json.dumps({"uri": "data/train.csv"}), schema='{"a": 1}', profile='{"n": 3}'),
            [InputTag("mlflow.data.context", "training"), InputTag("note", "ü")],
        ),
        DatasetInput(Dataset("eval", "d2", "code", "{}"), []),
    ],
)
client.set_terminated(run, "FINISHED", 1700000010000)

# A logged model with files, params, tags and metrics on a dataset; one that failed; one that was deleted.
model = client.create_logged_model(
    flights, "late", run, tags={"t": "1"}, params={"depth": "3"}, model_type="Classifier"
)
client.log_model_artifacts(model.model_id, str(pathlib.Path(file("model/MLmodel", b"flavors:\n  python_function:\n    loader_module: x\n")).parent))
client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
client.log_metric(run, "auc", 0.75, 1700000000500, 3, model_id=model.model_id, dataset_name="eval", dataset_digest="d2")
client.log_outputs(run, [LoggedModelOutput(model.model_id, 3)])
failed = client.create_logged_model(flights, "broken", run)
client.finalize_logged_model(failed.model_id, LoggedModelStatus.FAILED)

# Runs in every state, nested, deleted, and one that still goes on.
parent = client.create_run(flights, run_name="parent").info.run_id
for status in ["FAILED", "KILLED", "SCHEDULED"]:
    child = client.create_run(flights, run_name=status, tags={"mlflow.parentRunId": parent}).info.run_id
    client.log_inputs(child, models=[LoggedModelInput(model.model_id)])
    if status == "SCHEDULED":
        client.update_run(child, status)
    else:
        client.set_terminated(child, status)
removed = client.create_run(flights, run_name="removed").info.run_id
client.log_metric(removed, "m", 1.5, 7, 0)
client.log_artifact(removed, file("kept.txt", b"of a deleted run"))
client.delete_run(removed)
client.log_param(client.create_run(odd, run_name="x" * 200).info.run_id, "k é", "v")
client.log_metric(client.create_run("0").info.run_id, "m", 3, 4, 5)
client.log_param(client.create_run(gone, run_name="in a deleted experiment").info.run_id, "p", "1")
client.delete_experiment(gone)

# The registry: versions of every origin, a gap, stages, aliases, tags, notes; an empty model; a prompt.
client.create_registered_model("late", tags={"owner": "bob"}, description="Is it late?\n\nMaybe.")
client.create_model_version("late", f"models:/{model.model_id}", model_id=model.model_id, description="first", tags={"a": "ü"})
client.create_model_version("late", f"runs:/{run}/deep", run_id=run)
client.delete_model_version("late", "2")
client.create_model_version("late", f"runs:/{run}/deep/er", run_id=run, run_link="https://example.org/run")
client.transition_model_version_stage("late", "1", "Production")
client.transition_model_version_stage("late", "3", "Staging")
client.set_registered_model_alias("late", "champion", "1")
client.set_registered_model_alias("late", "challenger", "3")
client.set_registered_model_alias("late", "also", "3")
client.set_model_version_tag("late", "3", "checked", "")
client.create_registered_model("no versions yet")
client.create_registered_model("copy")
client.copy_model_version("models:/late/1", "copy")
if "://" in os.environ["MLFLOW_TRACKING_URI"] and not os.environ["MLFLOW_TRACKING_URI"].startswith("file:"):
    mlflow.genai.register_prompt("greeting", "Hello {{ name }}", commit_message="first", tags={"lang": "en"})
    mlflow.genai.register_prompt("greeting", "Hi {{ name }} 👋")
    mlflow.genai.set_prompt_alias("greeting", "live", 2)

print(json.dumps({"run": run, "running": parent, "model": model.model_id}))
