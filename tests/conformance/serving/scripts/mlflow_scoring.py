"""Asks MLflow's own scoring server, in this process, what ORRERY_REQUESTS asks, and prints its answers."""

import asyncio
import json
import os
import tempfile

import mlflow
import numpy
import onnx
from mlflow.models import ModelSignature
from mlflow.pyfunc import load_model, scoring_server
from mlflow.types import ColSpec, Schema, TensorSpec

SIGNATURES = {
    "pick": ModelSignature(Schema([ColSpec("long", "index")])),
    "matrix": ModelSignature(Schema([TensorSpec(numpy.dtype("float32"), (-1, 4))])),
}


def scoring_app(name):
    path = os.path.join(tempfile.mkdtemp(), "model")
    model = onnx.load(os.path.join(os.environ["ORRERY_MODELS"], f"{name}.onnx"))
    mlflow.onnx.save_model(model, path, signature=SIGNATURES[name])
    return scoring_server.init(load_model(path))


async def ask(app, method, path, content_type, body):
    """One request over ASGI, so that no port is needed."""
    answer = {"body": b""}
    sent = asyncio.Event()

    async def receive():
        if sent.is_set():
            await asyncio.sleep(3600)
        sent.set()
        return {"type": "http.request", "body": body.encode(), "more_body": False}

    async def send(message):
        if message["type"] == "http.response.start":
            answer["status"] = message["status"]
        else:
            answer["body"] += message.get("body", b"")

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-type", content_type.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    await app(scope, receive, send)
    return {"status": answer["status"], "body": answer["body"].decode()}


apps = {name: scoring_app(name) for name in SIGNATURES}
asked = json.loads(os.environ["ORRERY_REQUESTS"])
print(
    json.dumps(
        [
            asyncio.run(ask(apps[each["model"]], each["method"], each["path"], each["type"], each["body"]))
            for each in asked
        ]
    )
)
