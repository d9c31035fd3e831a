"""Drives Triton's gRPC client and the standard clients of health and reflection, and prints what they saw."""

import json
import os
import queue

import grpc
import numpy
import tritonclient.grpc as triton
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from tritonclient.grpc import service_pb2 as messages
from tritonclient.utils import InferenceServerException

address = os.environ["ORRERY_GRPC"]
client = triton.InferenceServerClient(address)
ROW = numpy.array([[1, 2, 3, 4.5]], numpy.float32)


def matrix(values=ROW, name="X", kind="FP32"):
    tensor = triton.InferInput(name, list(values.shape), kind)
    return [tensor.set_data_from_numpy(values)]


def code(call):
    try:
        call()
    except InferenceServerException as error:
        return error.status().removeprefix("StatusCode.")
    except grpc.RpcError as error:
        return error.code().name
    return None


def streamed():
    """Ten requests through one stream, one of them wrong: ids in their order, None where it was refused."""
    answers = queue.Queue()
    with triton.InferenceServerClient(address) as streaming:
        streaming.start_stream(lambda result, error: answers.put((result, error)))
        for number in range(10):
            values = ROW if number != 3 else ROW[:, :2]
            streaming.async_stream_infer("matrix", matrix(values), request_id=f"stream-{number}")
        seen = [answers.get(timeout=30) for _ in range(10)]
    return [result.get_response().id if error is None else None for result, error in seen]


def asynchronous():
    answers = queue.Queue()
    client.async_infer("matrix", matrix(), lambda result, error: answers.put((result, error)), request_id="async-1")
    result, error = answers.get(timeout=30)
    return error is None and result.get_response().id == "async-1"


def big():
    """A text of 64 MiB there and back."""
    values = numpy.array([["a" * 2**26]], dtype=object)
    answer = client.infer("texts", matrix(values, "x", "BYTES"), client_timeout=100)
    return answer.as_numpy("y")[0][0].decode() == values[0][0]


def headers():
    stub = client._client_stub
    request = messages.ModelInferRequest(model_name="matrix")
    request.inputs.add(name="X", datatype="FP32", shape=[1, 4]).contents.fp32_contents.extend(ROW.flatten())
    _, call = stub.ModelInfer.with_call(request, metadata=[("x-request-id", "by-metadata-1")])
    return {key: value for key, value in call.initial_metadata() if key.startswith("x-")}


def unreadable():
    channel = grpc.insecure_channel(address)
    same = lambda bytes: bytes
    call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer", same, same)
    return code(lambda: call(b"\x0a\xff\xff\xff\xff\x0f"))


def mixed():
    request = messages.ModelInferRequest(model_name="matrix", raw_input_contents=[ROW.tobytes()])
    request.inputs.add(name="X", datatype="FP32", shape=[1, 4]).contents.fp32_contents.extend(ROW.flatten())
    return lambda: client._client_stub.ModelInfer(request)


def health(service=""):
    stub = health_pb2_grpc.HealthStub(grpc.insecure_channel(address))
    return stub.Check(health_pb2.HealthCheckRequest(service=service)).status


def watched():
    stub = health_pb2_grpc.HealthStub(grpc.insecure_channel(address))
    call = stub.Watch(health_pb2.HealthCheckRequest(service=""))
    first = next(call).status
    call.cancel()
    return first


TOO_LARGE = matrix(numpy.zeros((1, 22 * 2**20), numpy.float32), "x")
reflected = ProtoReflectionDescriptorDatabase(grpc.insecure_channel(address))
asked = triton.InferRequestedOutput("probabilities", class_count=2)
classes = client.infer("matrix", matrix(), outputs=[asked]).as_numpy("probabilities")
slow = triton.InferInput("rounds", [1, 1], "INT64")
slow.set_data_from_numpy(numpy.array([[10**12]]))
config = client.get_model_config("matrix", as_json=True)["config"]
statistics = client.get_inference_statistics("matrix", as_json=True)["model_stats"][0]
# Before a model is asked for too much, which has to be started again then.
healthy = [health(), health("inference.GRPCInferenceService"), code(lambda: health("none")), watched()]
print(
    json.dumps(
        {
            "live": client.is_server_live(),
            "ready": [client.is_server_ready(), client.is_model_ready("matrix"), client.is_model_ready("matrix", "1")],
            "server": client.get_server_metadata(as_json=True),
            "metadata": client.get_model_metadata("matrix", as_json=True),
            "config": {key: config[key] for key in ("backend", "input", "version_policy")},
            "statistics": [statistics["name"], statistics["version"], int(statistics["inference_count"]) > 0],
            "stream": streamed(),
            "async": asynchronous(),
            "big": big(),
            "headers": headers(),
            "classes": [len(classes[0]), classes[0][0].decode().split(":")[1]],
            "codes": {
                "unknown model": code(lambda: client.infer("nowhere", matrix())),
                "unknown version": code(lambda: client.infer("matrix", matrix(), model_version="9")),
                "unknown model's readiness": code(lambda: client.is_model_ready("nowhere")),
                "missing input": code(lambda: client.infer("matrix", [])),
                "wrong shape": code(lambda: client.infer("matrix", matrix(ROW[:, :2]))),
                "wrong type": code(lambda: client.infer("matrix", matrix(ROW.astype(float), kind="FP64"))),
                "unknown output": code(lambda: client.infer("matrix", matrix(), outputs=[triton.InferRequestedOutput("no")])),
                "raw and typed": code(mixed()),
                "sequence": code(lambda: client.infer("matrix", matrix(), sequence_id=7, sequence_start=True)),
                "caller's deadline": code(lambda: client.infer("loop", [slow], client_timeout=0.3)),
                "parameter timeout": code(lambda: client.infer("loop", [slow], timeout=300_000)),
                "no message": unreadable(),
                "too large": code(lambda: client.infer("wide", TOO_LARGE)),
                "too large when inflated": code(lambda: client.infer("wide", TOO_LARGE, compression_algorithm="gzip")),
                "shared memory": code(lambda: client.get_system_shared_memory_status()),
            },
            "health": healthy,
            "services": sorted(reflected.get_services()),
            "reflected": reflected.FindFileContainingSymbol("inference.ModelInferRequest").package,
        }
    )
)
