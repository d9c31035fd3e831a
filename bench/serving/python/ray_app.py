import os

import numpy as np
import onnxruntime
from ray import serve
from starlette.requests import Request


@serve.deployment(max_ongoing_requests=100)
class Bench:
    def __init__(self) -> None:
        self.session = onnxruntime.InferenceSession(os.environ["BENCH_MODEL"])

    async def __call__(self, request: Request):
        rows = np.array((await request.json())["data"], dtype=np.float32)
        (predicted,) = self.session.run(None, {"X": rows})
        return {"predictions": predicted.tolist()}


app = Bench.bind()
