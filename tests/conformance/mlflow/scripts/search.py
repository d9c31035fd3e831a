"""Searching runs and experiments: filters, orders, pages."""
import json
import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import ViewType

client = MlflowClient()
told = {}
here = client.create_experiment("search-a", tags={"kind": "x"})
there = client.create_experiment("search-b")


def run(name, start, experiment=here, metrics={}, params={}, tags={}, status="FINISHED"):
    made = client.create_run(experiment, start_time=start, tags=tags, run_name=name)
    for key, value in metrics.items():
        client.log_metric(made.info.run_id, key, value)
    for key, value in params.items():
        client.log_param(made.info.run_id, key, value)
    client.set_terminated(made.info.run_id, status, end_time=start + 10)
    return made.info.run_id


a = run("Alpha", 1000, metrics={"auc": 0.5, "x y": 1}, params={"p": "10"}, tags={"team": "Air"})
b = run("alpine", 2000, metrics={"auc": float("nan")}, params={"p": "9"}, tags={"team": "air"})
c = run("beta_1", 3000, metrics={"auc": 0.9}, status="FAILED")
d = run("delta", 4000, experiment=there, metrics={"auc": 0.7}, params={"p": "x%"})
gone = run("gone", 5000)
client.delete_run(gone)
data = mlflow.data.from_pandas(pd.DataFrame({"a": [1]}), name="flights", digest="d1")
with mlflow.start_run(run_id=c):
    mlflow.log_input(data, context="eval")
client.set_terminated(c, "FAILED", end_time=3010)
names = {a: "a", b: "b", c: "c", d: "d", gone: "gone"}


def found(filter="", order=None, view=ViewType.ACTIVE_ONLY, experiments=None):
    try:
        runs = client.search_runs(experiments or [here], filter, view, order_by=order)
        return "".join(names[each.info.run_id] + ("." if len(names[each.info.run_id]) > 1 else "") for each in runs)
    except mlflow.exceptions.MlflowException as refused:
        return refused.error_code


for filter in [
    "", "metrics.auc > 0.4", "metrics.auc != 0.5", "metric.auc = 0.9", "metrics.`x y` = 1", 'metrics."x y" >= 1',
    "params.p = '9'", "params.p != '9'", "params.p LIKE '1%'", "params.p IS NULL", "params.p IS NOT NULL",
    "tags.team = 'air'", "tags.team ILIKE 'AIR'", "tag.team LIKE 'a%'", "tags.mlflow.runName = 'Alpha'",
    "status = 'FAILED'", "attributes.status != 'FAILED'", "run_name LIKE 'al%'", "run_name ILIKE 'AL%'",
    "`run name` = 'beta_1'", "run_name LIKE 'beta__'", "start_time >= 2000", "created < 2000", "end_time = 1010",
    f"run_id IN ('{a}', '{c}')", f"run_id NOT IN ('{a}')", f"attributes.run_id = '{b}'",
    "dataset.name = 'flights'", "dataset.context = 'train'", "dataset.digest LIKE 'd%' AND dataset.context = 'eval'",
    "metrics.auc > 0.1 AND params.p = '10' and tags.team = 'Air'", "user_id = 'nobody'", "artifact_uri LIKE '%/artifacts'",
    "metrics.auc", "foo = 'x'", "params.p = 3", "metrics.auc > 'x'", "metrics.auc > 1 OR params.p = '9'", "(metrics.auc > 1)", "status IN ('FAILED')", "params.p > '3'",
]:
    told[filter.replace(a, "A").replace(b, "B").replace(c, "C")] = found(filter)
for order in [
    ["metrics.auc"], ["metrics.auc DESC"], ["params.p"], ["params.p DESC"], ["tags.team ASC"], ["start_time"], ["attributes.start_time DESC"],
    ["run_name"], ["status", "start_time ASC"], ["end_time DESC"], ["metrics.`x y` DESC", "run_id"][:1], ["foo"], ["metrics.auc", "metrics.auc DESC"], ["metrics.auc UP"],
]:
    told[f"order {order}"] = found(order=order)
told["all"] = found(view=ViewType.ALL)
told["deleted"] = found(view=ViewType.DELETED_ONLY)
told["both"] = found(experiments=[here, there])
told["percent"] = found("params.p = 'x%'", experiments=[here, there])

for index in range(25):
    run(f"page {index}", 10_000 + index, experiment=there)
page, seen, sizes = None, [], []
while True:
    page = client.search_runs([there], max_results=10, page_token=page.token if page else None)
    seen += [each.info.run_name for each in page]
    sizes.append(len(page))
    if not page.token:
        break
told["pages"] = [sizes, len(set(seen)), seen[0], seen[-1]]
told["frame"] = list(mlflow.search_runs([here], "metrics.auc > 0.8")[["status", "metrics.auc"]].iloc[0])
told["by names"] = len(mlflow.search_runs(experiment_names=["search-a"]))
try:
    client.search_runs([here], page_token="garbage")
except mlflow.exceptions.MlflowException as refused:
    told["garbage"] = refused.error_code


def experiments(filter=None, **more):
    try:
        return [each.name for each in client.search_experiments(filter_string=filter, **more) if each.name.startswith(("search", "Default"))]
    except mlflow.exceptions.MlflowException as refused:
        return refused.error_code


told["experiments"] = experiments(order_by=["name"])
told["newest first"] = experiments("name LIKE 'search-%'")
told["named"] = experiments("name = 'search-a'")
told["ilike"] = experiments("name ILIKE 'SEARCH-%' AND tags.kind = 'x'")
told["one"] = len(client.search_experiments(max_results=1))
told["bad name"] = experiments("name > 3")
told["no tag"] = experiments("tags.kind IS NULL AND name LIKE 'search%'")
print(json.dumps(told))
