"""Drives Triton's HTTP client against the server at ORRERY_URL and prints what it saw."""

import json
import os

import numpy
import onnxruntime
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

client = triton.InferenceServerClient(os.environ["ORRERY_URL"].removeprefix("http://"))
carriers = numpy.array([["AA"], ["B6"], ["ü"]], dtype=object)
hours = numpy.array([[15], [8], [9]], dtype=numpy.float32)
distances = numpy.full((3, 1), 900, dtype=numpy.float32)
keys = numpy.array([1, 2**53 + 1, 3], dtype=numpy.int64)
columns = [
    ("carrier", "BYTES", carriers),
    ("hour", "FP32", hours),
    ("distance", "FP32", distances),
    ("id", "INT64", keys),
]


def inputs(binary, names=("carrier", "hour", "distance", "id")):
    made = []
    for name, kind, values in columns:
        if name not in names:
            continue
        tensor = triton.InferInput(name, list(values.shape), kind)
        tensor.set_data_from_numpy(values, binary_data=binary)
        made.append(tensor)
    return made


def outputs(binary):
    return [triton.InferRequestedOutput(name, binary_data=binary) for name in ("label", "probabilities")]


def refused(call):
    try:
        call()
    except InferenceServerException as error:
        return error.status()
    return None


truth = onnxruntime.InferenceSession(os.environ["ORRERY_MODEL"]).run(
    None, {"carrier": carriers, "hour": hours, "distance": distances}
)
answers = {
    "binary": client.infer("late", inputs(True)),
    "json": client.infer("late", inputs(False), outputs=outputs(False)),
    "mixed": client.infer("late", inputs(True), outputs=outputs(False)),
    "gzip": client.infer(
        "late",
        inputs(True),
        model_version="1",
        request_id="triton-1",
        request_compression_algorithm="gzip",
        response_compression_algorithm="gzip",
    ),
    "deflate": client.infer("late", inputs(False), request_compression_algorithm="deflate"),
}
print(
    json.dumps(
        {
            "live": client.is_server_live(),
            "ready": [
                client.is_server_ready(),
                client.is_model_ready("late"),
                client.is_model_ready("late", "1"),
                client.is_model_ready("late", "9"),
                client.is_model_ready("nowhere"),
            ],
            "extensions": client.get_server_metadata()["extensions"],
            "inputs": client.get_model_metadata("late")["inputs"],
            "exact": {
                name: numpy.array_equal(answer.as_numpy("label"), truth[0])
                and numpy.array_equal(answer.as_numpy("probabilities"), truth[1])
                for name, answer in answers.items()
            },
            "id": answers["gzip"].get_response()["id"],
            "refused": [
                refused(lambda: client.infer("late", inputs(True, ("carrier",)))),
                refused(lambda: client.infer("nowhere", inputs(True))),
                refused(lambda: client.infer("late", inputs(True), model_version="9")),
            ],
        }
    )
)
