"""Everything that the real client reads of a store, in one order whatever the numbers of its experiments."""

import hashlib
import json
import os
import pathlib
import tempfile
import urllib.request

from mlflow import MlflowClient
from mlflow.entities import ViewType

client = MlflowClient()
PROMPTS = "tag.`mlflow.prompt.is_prompt` = 'true'"
INF = 1.7976931348623157e308


def pages(ask):
    token = None
    while True:
        page = ask(token)
        yield from page
        token = page.token
        if not token:
            return


def number(value):
    if value != value:
        return "NaN"
    # A database has one zero.
    return 0.0 if value == 0 else {float("inf"): INF, float("-inf"): -INF}.get(value, value)


def files(download):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(download(folder))
        return {
            str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }


def artifacts(run_id):
    found = {}

    def walk(folder):
        for entry in client.list_artifacts(run_id, folder):
            if entry.is_dir:
                walk(entry.path)
            else:
                with tempfile.TemporaryDirectory() as place:
                    path = pathlib.Path(client.download_artifacts(run_id, entry.path, place))
                    found[entry.path] = [hashlib.sha256(path.read_bytes()).hexdigest(), entry.file_size or 0]

    walk(None)
    return found


def dataset(used):
    data = used.dataset
    return {
        **{field: getattr(data, field) for field in ["name", "digest", "source_type", "source"]},
        "schema": data.schema or "",
        "profile": data.profile or "",
        "tags": sorted([tag.key, tag.value] for tag in used.tags),
    }


def run(found):
    info, data = found.info, found.data
    points = {
        key: [[m.timestamp, m.step, number(m.value)] for m in client.get_metric_history(info.run_id, key)]
        for key in sorted(data.metrics)
    }
    return {
        **{field: getattr(info, field) for field in ["run_name", "user_id", "status", "start_time", "end_time", "lifecycle_stage"]},
        "newest": {key: number(value) for key, value in sorted(data.metrics.items())},
        "points": {key: sorted(map(json.dumps, points[key])) for key in points},
        "params": dict(sorted(data.params.items())),
        "tags": dict(sorted(data.tags.items())),
        "datasets": sorted((dataset(each) for each in found.inputs.dataset_inputs), key=lambda each: each["name"]),
        # A search leaves these out.
        "models in": sorted(each.model_id for each in client.get_run(info.run_id).inputs.model_inputs),
        "models out": sorted([each.model_id, each.step] for each in found.outputs.model_outputs),
        "files": artifacts(info.run_id),
    }


def model_files(model_id):
    return files(lambda folder: download(f"models:/{model_id}", folder))


def download(uri, folder):
    import mlflow

    try:
        return mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=folder)
    except Exception:
        return folder


def logged(model):
    return {
        **{field: getattr(model, field) or "" for field in ["name", "model_type", "source_run_id", "creation_timestamp"]},
        "status": str(model.status),
        "tags": dict(sorted(model.tags.items())),
        "params": dict(sorted((model.params or {}).items())),
        "metrics": sorted(
            [m.key, number(m.value), m.timestamp, m.step, m.run_id, m.dataset_name, m.dataset_digest]
            for m in model.metrics or []
        ),
        "files": model_files(model.model_id) if str(model.status).endswith("READY") else {},
    }


def version(found):
    full = client.get_model_version(found.name, found.version)
    source = full.source
    # A path of the server that it came from says nothing elsewhere.
    place = source if source.split(":")[0] in ("models", "runs", "s3") else source.split(":")[0]
    return {
        **{
            field: getattr(full, field) or ""
            for field in ["current_stage", "run_id", "run_link", "creation_timestamp", "last_updated_timestamp", "status"]
        },
        "description": full.description or "",
        "source": place,
        "tags": dict(sorted(full.tags.items())),
        "aliases": sorted(full.aliases),
    }


def registered(model):
    name = model.name
    versions = list(pages(lambda token: client.search_model_versions(f"name = '{name}'", page_token=token)))
    is_prompt = "mlflow.prompt.is_prompt" in model.tags
    if is_prompt:
        versions = list(
            pages(lambda token: client.search_model_versions(f"name = '{name}' AND {PROMPTS}", page_token=token))
        )
    return {
        "description": model.description or "",
        "created": model.creation_timestamp,
        "updated": model.last_updated_timestamp,
        "tags": dict(sorted(model.tags.items())),
        "aliases": dict(sorted(model.aliases.items())),
        "versions": {each.version: version(each) for each in versions},
    }


experiments = list(pages(lambda token: client.search_experiments(ViewType.ALL, page_token=token)))
names = {each.experiment_id: each.name for each in experiments}
told = {"experiments": {}, "runs": {}, "models": {}, "registry": {}, "ids": {v: k for k, v in names.items()}}
for each in experiments:
    told["experiments"][each.name] = {
        "lifecycle": each.lifecycle_stage,
        "tags": dict(sorted(each.tags.items())),
        "created": each.creation_time,
    }
    found = pages(lambda token: client.search_runs([each.experiment_id], run_view_type=ViewType.ALL, page_token=token))
    for one in found:
        told["runs"][one.info.run_id] = {"experiment": each.name, **run(one)}
    for one in pages(lambda token: client.search_logged_models([each.experiment_id], page_token=token)):
        told["models"][one.model_id] = {"experiment": each.name, **logged(one)}
for filter_string in ["", PROMPTS]:
    for one in pages(lambda token: client.search_registered_models(filter_string or None, page_token=token)):
        told["registry"][one.name] = registered(one)

print(json.dumps(told, sort_keys=True))
