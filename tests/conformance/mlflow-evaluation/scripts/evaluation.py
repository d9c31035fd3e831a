"""What MLflow's client sees of evaluation datasets and scorers."""
import json
import mlflow
import os
import re
import requests
import time
from mlflow import MlflowClient
from mlflow.genai import datasets
from mlflow.genai.judges import make_judge
from mlflow.genai.scorers import Guidelines, Safety, delete_scorer, get_scorer, list_scorers

uri = os.environ["MLFLOW_TRACKING_URI"]
client = MlflowClient()
told = {}


def refused(call, *arguments, **more):
    try:
        call(*arguments, **more)
        return "allowed"
    except mlflow.exceptions.MlflowException as error:
        return error.error_code


def raw(method, path, body=None, **more):
    reply = requests.request(method, f"{uri}/api/3.0/mlflow/{path}", json=body, **more)
    return [reply.status_code, reply.json().get("error_code")]


def shown(dataset):
    tags = {key: value for key, value in (dataset.tags or {}).items() if key != "mlflow.user"}
    return [dataset.name, tags, dataset.schema, dataset.profile, len(dataset.digest), sorted(names.get(each, each) for each in dataset.experiment_ids), re.match(r"d-[0-9a-f]{32}$", dataset.dataset_id) is not None, dataset.created_time <= dataset.last_update_time, dataset.created_by is not None]


def recorded(record):
    source = record.source and [str(record.source.source_type), record.source.source_data]
    tags = {key: value for key, value in record.tags.items() if key != "mlflow.user"}
    return [json.dumps(record.inputs), json.dumps(record.outputs), record.expectations, tags, source, record.source_id, record.source_type]


first, second = client.create_experiment("first"), client.create_experiment("second")
names = {first: "first", second: "second"}
made = datasets.create_dataset(name="questions", experiment_id=[first], tags={"team": "ml", "n": "1"})
told["created"] = shown(made)
told["got"] = shown(datasets.get_dataset(dataset_id=made.dataset_id))
told["got by name"] = shown(datasets.get_dataset(name="questions"))

records = [
    {"inputs": {"question": "Was ist ä?", "n": 1, "x": 1.0, "big": 12345678901234567890, "list": [1, 2.5, None], "deep": {"b": True, "a": {}}}, "outputs": {"answer": "a letter"}, "expectations": {"answer": "ä", "score": 0.5}, "tags": {"level": "easy"}},
    {"inputs": {"question": "second"}, "expectations": {"facts": ["one", "two"]}},
    {"inputs": {"question": "third", "y": 2}, "outputs": "plain text"},
]
made.merge_records(records)
time.sleep(0.01)
told["merged"] = shown(datasets.get_dataset(dataset_id=made.dataset_id))
told["records"] = sorted(recorded(each) for each in client._tracking_client.store._load_dataset_records(made.dataset_id)[0])
digest = datasets.get_dataset(dataset_id=made.dataset_id).digest
time.sleep(0.01)
store = client._tracking_client.store
told["counts"] = store.upsert_dataset_records(made.dataset_id, [
    {"inputs": {"deep": {"a": {}, "b": True}, "x": 1.0, "n": 1, "question": "Was ist ä?", "big": 12345678901234567890, "list": [1, 2.5, None]}, "expectations": {"more": True}, "tags": {"level": "hard", "seen": "yes"}},
    {"inputs": {"question": "second"}, "outputs": None},
    {"inputs": {"question": "fourth"}, "source": {"source_type": "TRACE", "source_data": {"trace_id": "tr-1"}}},
    {"inputs": {"question": "fifth"}, "source": {"source_type": "HUMAN", "source_data": {"user_name": "ada"}}},
    {"inputs": {"question": "fifth"}, "tags": {"again": "1"}},
])
again = datasets.get_dataset(dataset_id=made.dataset_id)
told["merged again"] = [shown(again), again.digest != digest]
told["records again"] = sorted(recorded(each) for each in store._load_dataset_records(made.dataset_id)[0])
told["frame"] = [sorted(again.to_df().columns), len(again.to_df())]
page, token = store._load_dataset_records(made.dataset_id, max_results=3)
rest, end = store._load_dataset_records(made.dataset_id, max_results=3, page_token=token)
told["pages"] = [len(page), len(rest), end, len({each.dataset_record_id for each in page + rest}), all(each.dataset_record_id.startswith("dr-") for each in page)]
told["deleted records"] = [store.delete_dataset_records(made.dataset_id, [page[0].dataset_record_id, "dr-absent"]), store.delete_dataset_records(made.dataset_id, ["dr-absent"])]
told["after that"] = json.loads(datasets.get_dataset(dataset_id=made.dataset_id).profile)

datasets.set_dataset_tags(dataset_id=made.dataset_id, tags={"team": "other", "new": "1", "number": 5})
datasets.delete_dataset_tag(dataset_id=made.dataset_id, key="n")
datasets.delete_dataset_tag(dataset_id=made.dataset_id, key="absent")
told["tagged"] = shown(datasets.get_dataset(dataset_id=made.dataset_id))
told["added"] = sorted(names[each] for each in datasets.add_dataset_to_experiments(made.dataset_id, [first, second]).experiment_ids)
told["removed"] = sorted(names[each] for each in datasets.remove_dataset_from_experiments(made.dataset_id, [first, "987"]).experiment_ids)

time.sleep(0.01)
for name in ("alpha", "Beta", "gamma"):
    datasets.create_dataset(name=name, experiment_id=[second], tags={"kind": name.lower()})
    time.sleep(0.01)
found = lambda **more: [each.name for each in datasets.search_datasets(**more)]
told["search"] = {
    "all": found(experiment_ids=[first, second]),
    "first": found(experiment_ids=[first]),
    "by name": found(experiment_ids=[second], order_by=["name ASC"]),
    "by age": found(experiment_ids=[second], order_by=["created_time"]),
    "by change": found(experiment_ids=[second], order_by=["last_update_time DESC"]),
    "two": found(experiment_ids=[second], max_results=2),
    **{text: found(filter_string=text) for text in (
        "name = 'alpha'", "name != 'alpha' AND name != 'questions'", "name LIKE '%a%'", "name ILIKE 'b%'", "name IN ('alpha', 'gamma')",
        "tags.kind = 'beta'", "tags.kind LIKE 'g%'", "tags.`team` = 'other'", "created_time > 0 AND name = 'gamma'", "last_update_time < 5", "created_by = 'nobody'",
    )},
    "refused": [raw("POST", "datasets/search", {"filter_string": text}) for text in ("rubbish", "name > 'a'", "name NOT IN ('a')", "profile = 'a'", "tags.a > 'b'", "created_time LIKE 'a'", "params.a = 'b'", "name = ")],
    "refused order": [raw("POST", "datasets/search", {"order_by": [text]}) for text in ("profile", "tags.a", "name sideways", "created_by")],
    "page": [(lambda page: [len(page), bool(page.token)])(store.search_datasets(max_results=3)), len(store.search_datasets(max_results=3, page_token=store.search_datasets(max_results=3).token))],
}
gamma = datasets.get_dataset(name="gamma").dataset_id
datasets.delete_dataset(dataset_id=gamma)
told["deleted"] = [refused(datasets.get_dataset, dataset_id=gamma), refused(datasets.delete_dataset, dataset_id=gamma)]
told["refused"] = {
    "no name": raw("POST", "datasets/create", {}),
    "absent": raw("GET", "datasets/d-absent"),
    "records of absent": raw("POST", "datasets/d-absent/records", {"records": "[]"}),
    "no records": raw("POST", f"datasets/{made.dataset_id}/records", {}),
    "tags of absent": raw("PATCH", "datasets/d-absent/tags", {"tags": "{}"}),
    "tag of absent": raw("DELETE", "datasets/d-absent/tags/k"),
    "experiments of absent": raw("POST", "datasets/d-absent/add-experiments", {"experiment_ids": [first]}),
    "absent experiment": raw("POST", f"datasets/{made.dataset_id}/add-experiments", {"experiment_ids": ["987654"]}),
}

mlflow.set_experiment(experiment_id=first)
judge = make_judge(name="polite", instructions="Is {{ outputs }} polite?", model="openai:/gpt-4.1-mini", feedback_value_type=str)
registered = judge.register()
told["registered"] = [registered.name, registered.instructions]
make_judge(name="polite", instructions="Is {{ outputs }} very polite?", model="openai:/gpt-4.1-mini", feedback_value_type=str).register()
Safety(name="safe", model="openai:/gpt-4.1-mini").register()
Guidelines(name="brief", guidelines=["be brief"], model="openai:/gpt-4.1-mini").register(experiment_id=second)
told["listed"] = [each.name for each in list_scorers()]
told["newest"] = get_scorer(name="polite").instructions
told["older"] = get_scorer(name="polite", version=1).instructions
versions = store.list_scorer_versions(first, "polite")
told["versions"] = [[each.scorer_version, each.scorer_name, each.experiment_id == first, each.scorer_id == versions[0].scorer_id, each.creation_time > 0] for each in versions]
told["elsewhere"] = [each.name for each in list_scorers(experiment_id=second)]
told["across"] = sorted(each["scorer_name"] for each in requests.get(f"{uri}/api/3.0/mlflow/scorers/list", params={"experiment_ids": [first, second]}).json()["scorers"])
delete_scorer(name="polite", version=2)
told["after deletion"] = [get_scorer(name="polite").instructions, refused(get_scorer, name="polite", version=2)]
delete_scorer(name="polite", version="all")
told["gone"] = [refused(get_scorer, name="polite"), [each.name for each in list_scorers()], refused(store.delete_scorer, first, "polite")]
told["scorers refused"] = {
    "absent": refused(get_scorer, name="absent"),
    "absent experiment": refused(list_scorers, experiment_id="987654"),
    "no name": raw("POST", "scorers/register", {"experiment_id": first, "serialized_scorer": "{}"}),
    "blank name": raw("POST", "scorers/register", {"experiment_id": first, "name": " ", "serialized_scorer": "{}"}),
    "no JSON": raw("POST", "scorers/register", {"experiment_id": first, "name": "a", "serialized_scorer": "{"}),
    "code": raw("POST", "scorers/register", {"experiment_id": first, "name": "a", "serialized_scorer": json.dumps({"name": "a", "call_source": "return 1", "call_signature": "()", "original_func_name": "a"})}),
    "both": raw("GET", "scorers/list", params={"experiment_id": first, "experiment_ids": [second]}),
    "versions of absent": raw("GET", "scorers/versions", params={"experiment_id": first, "name": "absent"}),
}
print(json.dumps(told))
