"""Loads and lets go a registered model with Triton's clients, over both transports, and prints what they saw."""

import json
import os

import numpy
import tritonclient.grpc as grpc_client
import tritonclient.http as http_client
from tritonclient.utils import InferenceServerException

http = http_client.InferenceServerClient(os.environ["ORRERY_URL"].removeprefix("http://"), network_timeout=60)
grpc = grpc_client.InferenceServerClient(os.environ["ORRERY_GRPC"])
rounds = grpc_client.InferInput("rounds", [1, 1], "INT64")
rounds.set_data_from_numpy(numpy.array([[3]]))


def states():
    over_http = {each["name"]: each["state"] for each in http.get_model_repository_index()}
    listed = grpc.get_model_repository_index(as_json=True).get("models", [])
    assert over_http == {each["name"]: each["state"] for each in listed}
    return over_http.get("loops")


def counted():
    try:
        return grpc.infer("loops", [rounds]).as_numpy("counts").flatten().tolist()
    except InferenceServerException as error:
        return error.status()


def version():
    return grpc.infer("loops", [rounds]).get_response().model_version


seen = {"before": [states(), counted()]}
grpc.load_model("loops")
seen["newest"] = [states(), counted(), version()]
http.load_model("loops", config=json.dumps({"model": "models:/loops/1"}))
seen["first"] = [states(), version()]
http.unload_model("loops")
seen["unloaded"] = [states(), counted()]
grpc.load_model("loops")
seen["again"] = [states(), version()]
print(json.dumps(seen))
