"""Files up, down, listed, replaced and deleted, with names as people give them."""
import hashlib
import json
import os
import tempfile
import mlflow
from mlflow import MlflowClient

client = MlflowClient()
told = {}
mlflow.set_experiment("artifacts")
NAMES = ["plain.txt", "with space.txt", "ümlaut-日本.txt", "plus+and&amp=.txt", "semi;colon,comma.txt", "quote'and(paren).txt", "100%.txt", "no-ending", ".hidden", "tilde~@!$.txt"]
with tempfile.TemporaryDirectory() as folder, mlflow.start_run() as run:
    for index, name in enumerate(NAMES):
        with open(os.path.join(folder, name), "w") as file:
            file.write(f"content {index}")
    mlflow.log_artifact(os.path.join(folder, NAMES[0]))
    mlflow.log_artifacts(folder, "odd names/deep")
    open(os.path.join(folder, "empty"), "w").close()
    mlflow.log_artifact(os.path.join(folder, "empty"), "sizes")
    large = os.urandom(1 << 20) * 40
    with open(os.path.join(folder, "large.bin"), "wb") as file:
        file.write(large)
    mlflow.log_artifact(os.path.join(folder, "large.bin"), "sizes")
    mlflow.log_text("first", "text.txt")
    mlflow.log_text("second", "text.txt")
    mlflow.log_dict({"a": [1, None]}, "deep/data.json")
    mlflow.log_table({"q": ["x"], "n": [1]}, "table.json")
    mlflow.log_table({"q": ["y"], "n": [2]}, "table.json")

run_id = run.info.run_id
told["root"] = [[each.path, each.is_dir, each.file_size] for each in client.list_artifacts(run_id)]
told["odd"] = sorted(os.path.basename(each.path) for each in client.list_artifacts(run_id, "odd names/deep")) == sorted(NAMES)
told["sizes"] = [[each.path, each.file_size or 0] for each in client.list_artifacts(run_id, "sizes")]
told["of a file"] = client.list_artifacts(run_id, "text.txt")
told["of nothing"] = client.list_artifacts(run_id, "absent")
with tempfile.TemporaryDirectory() as folder:
    whole = client.download_artifacts(run_id, "", folder)
    contents = []
    for index, name in enumerate(NAMES):
        with open(os.path.join(whole, "odd names", "deep", name)) as file:
            contents.append(file.read() == f"content {index}")
    told["contents"] = all(contents)
    with open(os.path.join(whole, "sizes", "large.bin"), "rb") as file:
        told["large"] = hashlib.sha256(file.read()).hexdigest() == hashlib.sha256(large).hexdigest()
    told["empty"] = os.path.getsize(os.path.join(whole, "sizes", "empty"))
told["replaced"] = mlflow.artifacts.load_text(f"runs:/{run_id}/text.txt")
told["dict"] = mlflow.artifacts.load_dict(f"runs:/{run_id}/deep/data.json")
told["table"] = mlflow.load_table("table.json", run_ids=[run_id])["q"].tolist()
told["by uri"] = mlflow.artifacts.load_text(run.info.artifact_uri + "/text.txt")

from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

repository = get_artifact_repository(run.info.artifact_uri)
repository.delete_artifacts("text.txt")
repository.delete_artifacts("sizes")
told["after delete"] = [each.path for each in client.list_artifacts(run_id)]


def refused(call, *arguments):
    try:
        call(*arguments)
        return "allowed"
    except Exception as error:
        return getattr(error, "error_code", type(error).__name__)


told["gone"] = refused(client.download_artifacts, run_id, "text.txt")
told["climbing"] = refused(client.download_artifacts, run_id, "../../secret")

elsewhere = client.create_experiment("elsewhere", artifact_location="mlflow-artifacts:/my/place")
with mlflow.start_run(experiment_id=elsewhere) as other:
    mlflow.log_text("there", "t.txt")
told["elsewhere"] = [other.info.artifact_uri.replace(other.info.run_id, "R"), mlflow.artifacts.load_text(f"runs:/{other.info.run_id}/t.txt")]
print(json.dumps(told))
