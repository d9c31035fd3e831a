"""Sends every type of tensor through both of Triton's clients and prints which did not come back bit for bit."""

import json
import os

import ml_dtypes
import numpy
import tritonclient.grpc as grpc_client
import tritonclient.http as http_client
from tritonclient.grpc import service_pb2 as messages

TYPES = {
    "bool": ("BOOL", numpy.array([[True, False]] * 3)),
    "uint8": ("UINT8", numpy.array([[0, 255]] * 3, numpy.uint8)),
    "uint16": ("UINT16", numpy.array([[0, 65535]] * 3, numpy.uint16)),
    "uint32": ("UINT32", numpy.array([[0, 2**32 - 1]] * 3, numpy.uint32)),
    "uint64": ("UINT64", numpy.array([[0, 2**64 - 1]] * 3, numpy.uint64)),
    "int8": ("INT8", numpy.array([[-128, 127]] * 3, numpy.int8)),
    "int16": ("INT16", numpy.array([[-(2**15), 2**15 - 1]] * 3, numpy.int16)),
    "int32": ("INT32", numpy.array([[-(2**31), 2**31 - 1]] * 3, numpy.int32)),
    "int64": ("INT64", numpy.array([[-(2**63), 2**63 - 1]] * 3, numpy.int64)),
    "fp32": ("FP32", numpy.array([[0.1, -0.0], [3.4e38, 1e-45], [1, 2]], numpy.float32)),
    "fp64": ("FP64", numpy.array([[0.1, -0.0], [1.7e308, 5e-324], [1, 2]], numpy.float64)),
    "bytes": ("BYTES", numpy.array([["", "ä"], ["🦀", "x" * 999], ["\t", '"']], dtype=object)),
}
HALVES = numpy.array([[0.1, -0.0], [65504, 6e-8], [numpy.inf, 2]], numpy.float16)
LISTS = {"BOOL": "bool", "INT64": "int64", "UINT64": "uint64", "FP32": "fp32", "FP64": "fp64", "BYTES": "bytes"}

http = http_client.InferenceServerClient(os.environ["ORRERY_URL"].removeprefix("http://"))
grpc = grpc_client.InferenceServerClient(os.environ["ORRERY_GRPC"])


def inputs(client, rows=3, **options):
    made = []
    for name, (kind, values) in TYPES.items():
        tensor = client.InferInput(name, list(values[:rows].shape), kind)
        tensor.set_data_from_numpy(values[:rows], **options)
        made.append(tensor)
    return made


def equal(ours, theirs):
    if theirs.dtype == object:
        return [each.decode() if isinstance(each, bytes) else each for each in ours.flat] == list(theirs.flat)
    return (ours.dtype, ours.shape, ours.tobytes()) == (theirs.dtype, theirs.shape, theirs.tobytes())


def changed(answer):
    return [name for name, (_, values) in TYPES.items() if not equal(answer.as_numpy(f"{name}_out"), values)]


def filled(answer):
    return [name for name in TYPES if answer.as_numpy(f"{name}_out").shape != (0, 2)]


def typed():
    """Names of the tensors whose elements, sent in the lists of their types, did not come back in them."""
    request = messages.ModelInferRequest(model_name="kinds", id="typed")
    for name, (kind, values) in TYPES.items():
        tensor = request.inputs.add(name=name, datatype=kind, shape=values.shape)
        flat = [each.encode() for each in values.flat] if kind == "BYTES" else values.flatten().tolist()
        field = LISTS.get(kind, "uint" if kind.startswith("U") else "int")
        getattr(tensor.contents, f"{field}_contents").extend(flat)
    answer = grpc._client_stub.ModelInfer(request)
    wrong = ["answered raw"] if answer.raw_output_contents else []
    for sent, got in zip(request.inputs, answer.outputs, strict=True):
        if (sent.datatype, sent.shape, sent.contents) != (got.datatype, got.shape, got.contents):
            wrong.append(sent.name)
    return wrong + ([] if answer.id == "typed" else ["id"])


def half(client, connection):
    tensor = client.InferInput("x", [3, 2], "FP16")
    tensor.set_data_from_numpy(HALVES)
    return equal(connection.infer("half", [tensor]).as_numpy("y"), HALVES)


def half_in_json():
    tensor = http_client.InferInput("x", [3, 2], "FP16")
    tensor.set_data_from_numpy(HALVES[:, :])
    tensor._raw_data = HALVES[:2].tobytes()
    tensor._parameters["binary_data_size"] = 8
    tensor._shape = [2, 2]
    asked = [http_client.InferRequestedOutput("y", binary_data=False)]
    return http.infer("half", [tensor], outputs=asked).get_output("y")["data"] == HALVES[:2].flatten().tolist()


def brain(client, connection):
    values = numpy.array([[1.5, -3.25]], numpy.float32)
    tensor = client.InferInput("x", [1, 2], "BF16")
    tensor.set_data_from_numpy(values.astype(ml_dtypes.bfloat16))
    return equal(connection.infer("wide", [tensor]).as_numpy("y"), values)


as_json = {"outputs": [http_client.InferRequestedOutput(f"{name}_out", binary_data=False) for name in TYPES]}
squeezed = {"request_compression_algorithm": "gzip", "response_compression_algorithm": "deflate"}
print(
    json.dumps(
        {
            "http binary": changed(http.infer("kinds", inputs(http_client, binary_data=True))),
            "http json": changed(http.infer("kinds", inputs(http_client, binary_data=False), **as_json)),
            "http compressed": changed(http.infer("kinds", inputs(http_client), **squeezed)),
            "http empty": filled(http.infer("kinds", inputs(http_client, 0))),
            "http empty json": filled(http.infer("kinds", inputs(http_client, 0, binary_data=False), **as_json)),
            "grpc raw": changed(grpc.infer("kinds", inputs(grpc_client))),
            "grpc gzip": changed(grpc.infer("kinds", inputs(grpc_client), compression_algorithm="gzip")),
            "grpc deflate": changed(grpc.infer("kinds", inputs(grpc_client), compression_algorithm="deflate")),
            "grpc empty": filled(grpc.infer("kinds", inputs(grpc_client, 0))),
            "grpc typed": typed(),
            "half": [half(http_client, http), half(grpc_client, grpc), half_in_json()],
            "brain": [brain(http_client, http), brain(grpc_client, grpc)],
        }
    )
)
