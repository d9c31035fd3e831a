"""The model registry by its client: models, versions, tags, stages, aliases, searches."""
import json
import mlflow
from mlflow import MlflowClient

client = MlflowClient()
told = {}


def refused(call, *arguments, **more):
    try:
        call(*arguments, **more)
        return "allowed"
    except mlflow.exceptions.MlflowException as error:
        return error.error_code


mlflow.set_experiment("registry")
with mlflow.start_run() as run:
    mlflow.log_text("weights", "model/weights.txt")
source = f"{run.info.artifact_uri}/model"


def version(name, **more):
    return client.create_model_version(name, source, run.info.run_id, **more).version


model = client.create_registered_model("late", tags={"team": "air"}, description="is it late")
told["created"] = [model.name, model.description, model.tags]
told["twice"] = refused(client.create_registered_model, "late")
told["versions"] = [version("late", tags={"n": "1"}, description="first"), version("late"), version("late")]
first = client.get_model_version("late", "1")
told["first"] = [first.version, first.status, first.description, first.tags, first.current_stage, first.run_id == run.info.run_id]
told["download"] = client.get_model_version_download_uri("late", "1") == source
client.update_registered_model("late", description="later")
client.update_model_version("late", "1", description="the first")
told["described"] = [client.get_registered_model("late").description, client.get_model_version("late", "1").description]
client.set_registered_model_tag("late", "team", "ground")
client.set_model_version_tag("late", "2", "checked", "yes")
client.delete_registered_model_tag("late", "absent")
client.delete_model_version_tag("late", "2", "absent")
told["tags"] = [client.get_registered_model("late").tags, client.get_model_version("late", "2").tags]
client.delete_model_version_tag("late", "2", "checked")
told["untagged"] = client.get_model_version("late", "2").tags

client.transition_model_version_stage("late", "1", "production")
client.transition_model_version_stage("late", "2", "Production", archive_existing_versions=True)
told["stages"] = sorted([each.version, each.current_stage] for each in client.search_model_versions("name='late'"))
told["latest"] = sorted([each.version, each.current_stage] for each in client.get_latest_versions("late"))
told["latest production"] = [each.version for each in client.get_latest_versions("late", ["Production"])]
told["bad stage"] = refused(client.transition_model_version_stage, "late", "1", "Nowhere")

client.set_registered_model_alias("late", "champion", "3")
told["alias"] = [client.get_model_version_by_alias("late", "champion").version, list(client.get_model_version("late", "3").aliases)]
told["bad aliases"] = [refused(client.set_registered_model_alias, "late", alias, "1") for alias in ("latest", "v3", "a b", "x" * 256)]
told["alias of nothing"] = refused(client.set_registered_model_alias, "late", "a", "99")
told["absent alias"] = refused(client.get_model_version_by_alias, "late", "absent")
client.delete_registered_model_alias("late", "absent")
client.delete_model_version("late", "3")
told["deleted version"] = [refused(client.get_model_version, "late", "3"), client.get_registered_model("late").aliases]
told["next number"] = version("late")

client.set_registered_model_alias("late", "champion", "2")
client.rename_registered_model("late", "later")
told["renamed"] = [client.get_model_version_by_alias("later", "champion").version, refused(client.get_registered_model, "late"), client.get_registered_model("later").tags]

for name in ("m-alpha", "m-beta", "M-Gamma"):
    client.create_registered_model(name, tags={"kind": name[-1]})
    version(name, tags={"of": name})


def models(filter=None, **more):
    try:
        return [each.name for each in client.search_registered_models(filter, **more)]
    except mlflow.exceptions.MlflowException as error:
        return error.error_code


def versions(filter=None, **more):
    try:
        return [f"{each.name}/{each.version}" for each in client.search_model_versions(filter, **more)]
    except mlflow.exceptions.MlflowException as error:
        return error.error_code


told["models"] = {
    str(filter): models(filter)
    for filter in (None, "name = 'm-beta'", "name LIKE 'm-%'", "name ILIKE 'm-%'", "name IN ('m-beta', 'no')", "tags.kind = 'a'", "tags.kind != 'a'", "foo = 'x'", "tags.`mlflow.prompt.is_prompt` != 'true'")
}
told["models descending"] = models(order_by=["name DESC"])
page = client.search_registered_models(max_results=2)
told["pages of models"] = [[each.name for each in page], [each.name for each in client.search_registered_models(max_results=2, page_token=page.token)]]
told["searched"] = {
    filter.replace(run.info.run_id, "R"): sorted(found) if isinstance(found := versions(filter), list) else found
    for filter in ("name = 'later'", "version_number > 1", f"run_id = '{run.info.run_id}' AND name = 'm-beta'", "tags.of = 'm-alpha'", "source_path LIKE '%nothing%'", "name IN ('m-alpha', 'M-Gamma')", "foo = 'x'")
}
told["ordered"] = versions("name = 'later'", order_by=["version_number ASC"])
told["names"] = [refused(client.create_registered_model, name) for name in ("", "  ", "a/b", "a:b")]
told["unknown"] = [
    refused(client.get_registered_model, "nope"),
    refused(client.get_model_version, "nope", "1"),
    refused(client.get_model_version, "later", "99"),
    refused(client.get_model_version, "later", "one"),
    refused(client.create_model_version, "nope", source, run.info.run_id),
    refused(client.delete_registered_model, "nope"),
    refused(client.set_model_version_tag, "later", "99", "a", "b"),
]
told["sources"] = [
    refused(client._get_registry_client().create_model_version, "later", given, run_id)
    for given, run_id in (
        ("/etc/passwd", None),
        ("file:///etc/passwd", run.info.run_id),
        (f"{source}/../../../x", run.info.run_id),
        ("mlflow-artifacts:/0/other/artifacts/model", run.info.run_id),
        (f"runs:/{run.info.run_id}/model", "0" * 32),
        ("models:/m-absent", None),
        ("models:/nope/1", None),
        ("s3://bucket/model", None),
        (f"runs:/{run.info.run_id}/model", run.info.run_id),
    )
]
client.delete_registered_model("later")
told["deleted"] = refused(client.get_registered_model, "later")

# Prompts live beside the models.
mlflow.genai.register_prompt(name="greeting", template="Hello {{name}}", tags={"tone": "warm"})
mlflow.genai.register_prompt(name="greeting", template="Hi {{name}}", commit_message="shorter")
mlflow.genai.set_prompt_alias("greeting", alias="live", version=2)
told["prompt"] = [mlflow.genai.load_prompt("prompts:/greeting@live").template, mlflow.genai.load_prompt("greeting", version=1).template]
told["prompts"] = [each.name for each in mlflow.genai.search_prompts()]
told["models without prompts"] = "greeting" in models()
print(json.dumps(told))
