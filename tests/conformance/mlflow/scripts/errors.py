"""What is refused, and with which code; nothing of it may leave a trace."""
import json
import mlflow
import os
import requests
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

client = MlflowClient()
url = os.environ["MLFLOW_TRACKING_URI"]
told = {}


def refused(call, *arguments, **more):
    try:
        call(*arguments, **more)
        return "allowed"
    except mlflow.exceptions.MlflowException as error:
        return error.error_code


def raw(method, path, body=None, **more):
    answer = requests.request(method, f"{url}/api/2.0/mlflow/{path}", json=body, **more)
    try:
        return [answer.status_code, answer.json().get("error_code")]
    except ValueError:
        return [answer.status_code, "no JSON"]


experiment = client.create_experiment("errors")
run = client.create_run(experiment).info.run_id
client.log_param(run, "p", "1")
absent = "f" * 32

told["experiment"] = {
    "twice": refused(client.create_experiment, "errors"),
    "empty name": raw("POST", "experiments/create", {"name": ""}),
    "no name": raw("POST", "experiments/create", {}),
    "unknown": refused(client.get_experiment, "987654"),
    "no number": refused(client.get_experiment, "abc"),
    "long name": refused(client.create_experiment, "x" * 501),
    "absent tag": raw("POST", "experiments/delete-experiment-tag", {"experiment_id": experiment, "key": "absent"}),
    "search without limit": raw("POST", "experiments/search", {}),
    "search too many": raw("POST", "experiments/search", {"max_results": 50_001}),
}
told["run"] = {
    "unknown": refused(client.get_run, absent),
    "in no experiment": refused(client.create_run, "987654"),
    "metric of unknown": refused(client.log_metric, absent, "m", 1.0),
    "update unknown": refused(client.update_run, absent, "FINISHED"),
    "delete unknown": refused(client.delete_run, absent),
    "two names": raw("POST", "runs/create", {"experiment_id": experiment, "run_name": "a", "tags": [{"key": "mlflow.runName", "value": "b"}]}),
    "bad status": raw("POST", "runs/update", {"run_id": run, "status": "DONE"}),
    "no id": raw("GET", "runs/get"),
    "too many asked for": raw("POST", "runs/search", {"experiment_ids": [experiment], "max_results": 50_001}),
    "old id": raw("GET", "runs/get", params={"run_uuid": run}),
}
told["log"] = {
    "changed param": refused(client._tracking_client.store.log_param, run, Param("p", "2")),
    "same param": refused(client._tracking_client.store.log_param, run, Param("p", "1")),
    "no value": raw("POST", "runs/log-metric", {"run_id": run, "key": "m", "timestamp": 1}),
    "text value": raw("POST", "runs/log-metric", {"run_id": run, "key": "m", "value": "abc", "timestamp": 1}),
    "NaN": raw("POST", "runs/log-metric", {"run_id": run, "key": "nan", "value": "NaN", "timestamp": 1}),
    "no time": raw("POST", "runs/log-metric", {"run_id": run, "key": "m", "value": 1}),
    "time before all": raw("POST", "runs/log-metric", {"run_id": run, "key": "m", "value": 1, "timestamp": -1}),
    "numbers as texts": raw("POST", "runs/log-metric", {"run_id": run, "key": "text", "value": "1.5", "timestamp": "1760000000000", "step": "-3"}),
    "camel case": raw("POST", "runs/log-parameter", {"runId": run, "key": "camel", "value": "1"}),
    "bad keys": [raw("POST", "runs/log-parameter", {"run_id": run, "key": key, "value": "1"}) for key in ("", "..", "/a", "a//b", "a$b", "x" * 251, "./a")],
    "absent tag": raw("POST", "runs/delete-tag", {"run_id": run, "key": "absent"}),
    "double keys": raw("POST", "runs/log-batch", {"run_id": run, "params": [{"key": "d", "value": "1"}, {"key": "d", "value": "2"}]}),
    "too many params": raw("POST", "runs/log-batch", {"run_id": run, "params": [{"key": f"k{i}", "value": "1"} for i in range(101)]}),
    "too many metrics": raw("POST", "runs/log-batch", {"run_id": run, "metrics": [{"key": "k", "value": i, "timestamp": i} for i in range(1001)]}),
    "one bad metric": raw("POST", "runs/log-batch", {"run_id": run, "params": [{"key": "whole", "value": "1"}], "metrics": [{"key": "m", "value": 1, "timestamp": 1}, {"key": "$", "value": 1, "timestamp": 1}]}),
    "dataset without digest": raw("POST", "runs/log-inputs", {"run_id": run, "datasets": [{"dataset": {"name": "a", "source_type": "x", "source": "y"}}]}),
    "history without key": raw("GET", "metrics/get-history", params={"run_id": run}),
}
told["http"] = {
    "unknown endpoint": raw("GET", "nothing/here"),
    "text body": [requests.post(f"{url}/api/2.0/mlflow/runs/create", data="{}", headers={"content-type": "text/plain"}).status_code],
    "broken JSON": raw("POST", "experiments/create", None, data="{broken", headers={"content-type": "application/json"}),
    "ajax": requests.get(f"{url}/ajax-api/2.0/mlflow/runs/get", params={"run_id": run}).json()["run"]["info"]["run_id"] == run,
    "version": requests.get(f"{url}/version").text,
    "health": requests.get(f"{url}/health").text,
    "server info": requests.get(f"{url}/api/3.0/mlflow/server-info").json()["store_type"],
    "foreign host": requests.get(f"{url}/api/2.0/mlflow/runs/get", headers={"host": "evil.example"}).status_code,
}
proxy = f"{url}/api/2.0/mlflow-artifacts/artifacts"
told["artifacts"] = {
    "missing": requests.get(f"{proxy}/0/none/artifacts/x").status_code,
    "delete missing": requests.delete(f"{proxy}/0/none/artifacts/x").status_code,
    "climbing": [requests.put(f"{proxy}/{path}", data=b"x").status_code for path in ("a/%2e%2e/%2e%2e/b", "a/%252e%252e/b", "%2Fetc/passwd", "a%5c..%5cb")],
    "multipart": [requests.post(f"{url}/api/2.0/mlflow-artifacts/mpu/create/1/r/artifacts", json={"path": "f", "num_parts": 2}).status_code],
}
client.delete_run(run)
told["deleted run"] = {
    "metric": refused(client.log_metric, run, "m", 1.0),
    "param": raw("POST", "runs/log-parameter", {"run_id": run, "key": "q", "value": "1"}),
    "tag": refused(client.set_tag, run, "t", "1"),
    "update": raw("POST", "runs/update", {"run_id": run, "status": "FINISHED"}),
    "batch": raw("POST", "runs/log-batch", {"run_id": run, "tags": [{"key": "a", "value": "b"}]}),
}
client.restore_run(run)
kept = client.get_run(run)
told["kept"] = [kept.data.params, {key: [metric.value, metric.step, metric.timestamp] for key in ("text",) for metric in client.get_metric_history(run, key)}, sorted(kept.data.metrics), [key for key in kept.data.tags if key != "mlflow.runName"]]
client.delete_experiment(experiment)
told["deleted experiment"] = {
    "run": refused(client.create_run, experiment),
    "tag": refused(client.set_experiment_tag, experiment, "a", "b"),
    "again": refused(client.delete_experiment, experiment),
    "same name": refused(client.create_experiment, "errors"),
}
print(json.dumps(told))
