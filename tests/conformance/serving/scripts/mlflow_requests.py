"""Saves the models of the story in ORRERY_SAVED, asks MLflow's own scoring server, in this process, what
ORRERY_REQUESTS asks of them, and prints its answers."""

import asyncio
import base64
import json
import os
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.pyfunc import load_model, scoring_server
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.types.schema import AnyType, Array, Map, Object, Property
from onnx import TensorProto as T
from onnx import helper as h

saved = Path(os.environ["ORRERY_SAVED"])


def graph(nodes, inputs, outputs, initializers=()):
    made = h.make_model(
        h.make_graph(nodes, "story", inputs, outputs, list(initializers)),
        opset_imports=[h.make_opsetid("", 18)],
        producer_name="",
    )
    made.ir_version = 9
    return made


KINDS = {
    "text": (T.STRING, "string"),
    "whole": (T.INT64, "long"),
    "small": (T.INT32, "integer"),
    "single": (T.FLOAT, "float"),
    "double": (T.DOUBLE, "double"),
    "flag": (T.BOOL, "boolean"),
}


def echo():
    """Gives every column back, as it came."""
    value = lambda name, kind: h.make_tensor_value_info(name, kind, [None])
    return graph(
        [h.make_node("Identity", [name], [f"{name}_out"]) for name in KINDS],
        [value(name, kind) for name, (kind, _) in KINDS.items()],
        [value(f"{name}_out", kind) for name, (kind, _) in KINDS.items()],
    )


def linear():
    """A sum of four numbers with weights."""
    weights = h.make_tensor("weights", T.FLOAT, [4, 1], [1.0, 10.0, 100.0, 0.5])
    return graph(
        [h.make_node("MatMul", ["X", "weights"], ["variable"])],
        [h.make_tensor_value_info("X", T.FLOAT, [None, 4])],
        [h.make_tensor_value_info("variable", T.FLOAT, [None, 1])],
        [weights],
    )


def onnx_model(make, signature):
    return lambda path: mlflow.onnx.save_model(make(), path, signature=signature)


KEPT = Path(__file__).parent.parent / "mlflow-requests" / "models"


def python_model(code, signature):
    code = str(KEPT / code)
    return lambda path: mlflow.pyfunc.save_model(path, python_model=code, signature=signature, pip_requirements=[])


four = [ColSpec("double", name) for name in "abcd"]
MODELS = {
    "echo": onnx_model(echo, ModelSignature(Schema([ColSpec(kind, name) for name, (_, kind) in KINDS.items()]))),
    "linear": onnx_model(linear, ModelSignature(Schema(four))),
    "unnamed": onnx_model(linear, ModelSignature(Schema([ColSpec("double")] * 4))),
    "tensor": onnx_model(linear, ModelSignature(Schema([TensorSpec(np.dtype("float32"), (-1, 4))]))),
    "unsigned": onnx_model(linear, None),
    "python": python_model(
        "python/model_echo.py",
        ModelSignature(
            Schema(
                [
                    ColSpec("long", "whole"),
                    ColSpec("double", "double", required=False),
                    ColSpec("string", "text", required=False),
                    ColSpec("binary", "bytes", required=False),
                    ColSpec("datetime", "time", required=False),
                    ColSpec(Array(DataType.double), "list", required=False),
                    ColSpec(
                        Object([Property("x", DataType.string), Property("y", DataType.long, required=False)]),
                        "object",
                        required=False,
                    ),
                    ColSpec(Map(DataType.long), "map", required=False),
                    ColSpec(AnyType(), "any", required=False),
                ]
            ),
            params=ParamSchema(
                [
                    ParamSpec("rate", "double", 0.5),
                    ParamSpec("count", "long", 3),
                    ParamSpec("word", "string", "a"),
                    ParamSpec("sure", "boolean", False),
                    ParamSpec("ids", "long", [1, 2], (-1,)),
                ]
            ),
        ),
    ),
    "shapes": python_model("shapes/model_shapes.py", ModelSignature(Schema([ColSpec("string", "form")]))),
}


async def ask(app, method, path, content_type, body):
    """One request over ASGI, so that no port is needed."""
    answer = {"body": b"", "type": None}
    sent = asyncio.Event()

    async def receive():
        if sent.is_set():
            await asyncio.sleep(3600)
        sent.set()
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        if message["type"] == "http.response.start":
            answer["status"] = message["status"]
            answer["type"] = dict(message["headers"]).get(b"content-type", b"").decode()
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
        "headers": [] if content_type is None else [(b"content-type", content_type.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    try:
        await app(scope, receive, send)
    except Exception:
        # What the server itself would answer to a failure of the application.
        return {"status": 500, "type": "text/plain", "body": "Internal Server Error"}
    return {"status": answer["status"], "type": answer["type"], "body": answer["body"].decode()}


def parquet(table):
    import io

    buffer = io.BytesIO()
    frame = pd.DataFrame(table)
    if "bytes" in frame:
        frame["bytes"] = frame["bytes"].map(lambda text: text.encode())
    if "time" in frame:
        frame["time"] = pd.to_datetime(frame["time"])
    frame.to_parquet(buffer)
    return buffer.getvalue()


apps = {}
for name, save in MODELS.items():
    save(saved / name)
    apps[name] = scoring_server.init(load_model(str(saved / name)))
answers = []
for each in json.loads(Path(os.environ["ORRERY_REQUESTS"]).read_text()):
    body = parquet(each["table"]) if "table" in each else each["body"].encode("utf-8", "surrogatepass")
    if "bytes" in each:
        body = base64.b64decode(each["bytes"])
    answer = asyncio.run(ask(apps[each["model"]], each["method"], each["path"], each.get("type"), body))
    # The other side sends the same bytes.
    answers.append({**answer, "sent": base64.b64encode(body).decode()} if "table" in each else answer)
Path(os.environ["ORRERY_ANSWERS"]).write_text(json.dumps(answers))
print("1")
