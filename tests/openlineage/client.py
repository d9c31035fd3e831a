"""The real OpenLineage client: posts to a server, and holds events against its classes and the specification."""

import json
import sys
from pathlib import Path

from jsonschema import Draft202012Validator, FormatChecker
from openlineage.client import OpenLineageClient, event_v2, facet_v2
from openlineage.client.serde import Serde
from openlineage.client.transport.http import HttpCompression, HttpConfig, HttpTransport
from referencing import Registry, Resource

RUN = "0190a000-0000-7000-8000-00000000c1e0"


def post(url):
    for compression in (None, HttpCompression.GZIP):
        transport = HttpTransport(HttpConfig(url=url, compression=compression))
        client = OpenLineageClient(transport=transport)
        run = event_v2.Run(runId=RUN)
        job = event_v2.Job(namespace="client", name="job")
        for state, time in ((event_v2.RunState.START, "2026-01-01T00:00:00Z"), (event_v2.RunState.COMPLETE, "2026-01-01T00:01:00+00:00")):
            client.emit(event_v2.RunEvent(
                eventType=state, eventTime=time, run=run, job=job, producer="https://example.org/client",
                inputs=[event_v2.InputDataset(namespace="s3://bucket", name="in", facets={
                    "schema": facet_v2.schema_dataset.SchemaDatasetFacet(
                        fields=[facet_v2.schema_dataset.SchemaDatasetFacetFields(name="a", type="int")])})],
                outputs=[event_v2.OutputDataset(namespace="s3://bucket", name="out")]))
        client.emit(event_v2.JobEvent(
            eventTime="2026-01-01T00:00:00Z", job=job, producer="https://example.org/client"))
        client.emit(event_v2.DatasetEvent(
            eventTime="2026-01-01T00:00:00Z", producer="https://example.org/client",
            dataset=event_v2.StaticDataset(namespace="s3://bucket", name="in")))
    return {"run": RUN}


FACETS = {
    "parent": facet_v2.parent_run.ParentRunFacet,
    "errorMessage": facet_v2.error_message_run.ErrorMessageRunFacet,
    "processing_engine": facet_v2.processing_engine_run.ProcessingEngineRunFacet,
    "jobType": facet_v2.job_type_job.JobTypeJobFacet,
    "sourceCodeLocation": facet_v2.source_code_location_job.SourceCodeLocationJobFacet,
    "version": facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet,
    "dataSource": facet_v2.datasource_dataset.DatasourceDatasetFacet,
    "inputStatistics": facet_v2.input_statistics_input_dataset.InputStatisticsInputDatasetFacet,
    "outputStatistics": facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
}


def facets(given):
    """Each facet as the client's class of it, which refuses fields that it does not know."""
    made = {}
    for name, facet in given.items():
        cls = FACETS.get(name)
        if cls is not None:
            fields = {key: value for key, value in facet.items() if not key.startswith("_")}
            if name == "parent":
                fields["run"] = facet_v2.parent_run.Run(**fields["run"])
                fields["job"] = facet_v2.parent_run.Job(**fields["job"])
            made[name] = cls(**fields)
    return made


def rebuilt(event):
    dataset = lambda cls, own: lambda each: cls(
        namespace=each["namespace"], name=each["name"], facets=facets(each["facets"]), **{own: facets(each[own])})
    return event_v2.RunEvent(
        eventType=event_v2.RunState[event["eventType"]], eventTime=event["eventTime"], producer=event["producer"],
        run=event_v2.Run(runId=event["run"]["runId"], facets=facets(event["run"]["facets"])),
        job=event_v2.Job(namespace=event["job"]["namespace"], name=event["job"]["name"], facets=facets(event["job"]["facets"])),
        inputs=list(map(dataset(event_v2.InputDataset, "inputFacets"), event["inputs"])),
        outputs=list(map(dataset(event_v2.OutputDataset, "outputFacets"), event["outputs"])))


def check(path, spec):
    schemas = [json.loads(file.read_text()) for file in Path(spec).glob("*.json")]
    registry = Registry().with_resources([(each["$id"], Resource.from_contents(each)) for each in schemas])
    known = {each["$id"].rsplit("/", 1)[1]: each for each in schemas}

    def validate(value, schema):
        found = Draft202012Validator(schema, registry=registry, format_checker=FormatChecker())
        return [f"{error.json_path}: {error.message}" for error in found.iter_errors(value)]

    errors, seen = [], set()
    events = json.loads(Path(path).read_text())
    for event in events:
        errors += validate(event, {"$ref": event["schemaURL"]})
        Serde.to_json(rebuilt(event))
        things = [event["run"]["facets"], event["job"]["facets"]]
        for each in event["inputs"] + event["outputs"]:
            things += [each[key] for key in ("facets", "inputFacets", "outputFacets") if key in each]
        for name, facet in (pair for thing in things for pair in thing.items()):
            file = facet["_schemaURL"].split("#")[0].rsplit("/", 1)[1]
            if facet["_schemaURL"].split("#")[0] not in [schema["$id"] for schema in schemas]:
                errors.append(f"{name}: no such schema {facet['_schemaURL']}")
            elif name in FACETS:
                seen.add(name)
                errors += validate({name: facet}, known[file]) + validate(facet, {"$ref": facet["_schemaURL"]})
    return {"errors": errors, "seen": sorted(seen), "count": len(events)}


if __name__ == "__main__":
    print(json.dumps(post(sys.argv[2]) if sys.argv[1] == "post" else check(sys.argv[2], sys.argv[3])))
