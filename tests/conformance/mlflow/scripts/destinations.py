"""Artifacts and a model by the real client, wherever the server or the experiment keeps them."""
import hashlib
import json
import os
import tempfile

import mlflow
from mlflow import MlflowClient

client = MlflowClient()
told = {}
if "ELSEWHERE" in os.environ:
    client.create_experiment("destinations elsewhere", artifact_location=os.environ["ELSEWHERE"])
    mlflow.set_experiment("destinations elsewhere")
else:
    mlflow.set_experiment("destinations")

with tempfile.TemporaryDirectory() as folder, mlflow.start_run() as run:
    os.makedirs(os.path.join(folder, "deep", "er"))
    for path in ["a.txt", "deep/b c&;%.txt", "deep/er/d.txt"]:
        with open(os.path.join(folder, path), "w") as file:
            file.write(f"content of {path}")
    mlflow.log_artifacts(folder, "files")
    large = os.urandom(1 << 20) * 23 + b"end"
    with open(os.path.join(folder, "large.bin"), "wb") as file:
        file.write(large)
    mlflow.log_artifact(os.path.join(folder, "large.bin"))

run_id = run.info.run_id
told["root"] = [[each.path, each.is_dir, each.file_size] for each in client.list_artifacts(run_id)]
told["deep"] = [[each.path, each.is_dir] for each in client.list_artifacts(run_id, "files/deep")]
with tempfile.TemporaryDirectory() as folder:
    whole = client.download_artifacts(run_id, "", folder)
    with open(os.path.join(whole, "large.bin"), "rb") as file:
        told["large"] = hashlib.sha256(file.read()).hexdigest() == hashlib.sha256(large).hexdigest()
    with open(os.path.join(whole, "files", "deep", "b c&;%.txt")) as file:
        told["odd"] = file.read()
told["run"] = run_id
told["scheme"] = run.info.artifact_uri.split(":")[0] if ":" in run.info.artifact_uri else ""

if os.environ.get("MODEL") == "yes":
    import onnx

    with mlflow.start_run():
        mlflow.onnx.log_model(onnx.load(os.environ["ONNX"]), name="model", registered_model_name="flights")
    version = client.get_model_version("flights", "1")
    told["version"] = [version.version, version.status]
    told["loaded"] = type(mlflow.pyfunc.load_model("models:/flights/1")).__name__
print(json.dumps(told))
