"""Drives what Triton's HTTP clients can ask for beside plain predictions, and prints what they saw."""

import asyncio
import json
import os

import numpy
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.utils import InferenceServerException

address = os.environ["ORRERY_URL"].removeprefix("http://")
client = triton.InferenceServerClient(address, concurrency=4)
ROW = numpy.array([[1, 2, 3, 4.5]], numpy.float32)


def matrix(values=ROW, of=triton):
    tensor = of.InferInput("X", list(values.shape), "FP32")
    tensor.set_data_from_numpy(values)
    return [tensor]


def refused(call):
    try:
        call()
    except InferenceServerException as error:
        return [error.status(), error.message()[:40]]
    return None


async def awaited():
    async with triton_aio.InferenceServerClient(address) as waiting:
        answers = await asyncio.gather(
            *(waiting.infer("matrix", matrix(), request_id=f"aio-{number}") for number in range(20))
        )
        return [answer.get_response()["id"] for answer in answers] == [f"aio-{number}" for number in range(20)]


def asynchronous():
    asked = [client.async_infer("matrix", matrix(), request_id=f"async-{number}") for number in range(20)]
    return [each.get_result().get_response()["id"] for each in asked] == [f"async-{number}" for number in range(20)]


asked = triton.InferRequestedOutput("probabilities", class_count=2)
classes = client.infer("matrix", matrix(), outputs=[asked]).as_numpy("probabilities")
statistics = client.get_inference_statistics("matrix", "1")["model_stats"][0]
print(
    json.dumps(
        {
            "aio": asyncio.run(awaited()),
            "async": asynchronous(),
            "classes": [list(classes.shape), classes[0][0].decode().split(":")[1]],
            "config": client.get_model_config("matrix")["backend"],
            "statistics": [statistics["name"], statistics["inference_stats"]["success"]["count"] > 0],
            "all statistics": len(client.get_inference_statistics()["model_stats"]) > 0,
            "refused": {
                "system memory": refused(lambda: client.get_system_shared_memory_status()),
                "cuda memory": refused(lambda: client.get_cuda_shared_memory_status()),
                "trace": refused(lambda: client.get_trace_settings("matrix")),
                "logging": refused(lambda: client.get_log_settings()),
                "sequence": refused(lambda: client.infer("matrix", matrix(), sequence_id=1, sequence_start=True)),
                "shape": refused(lambda: client.infer("matrix", matrix(ROW[:, :3]))),
            },
        }
    )
)
