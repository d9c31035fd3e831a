import os

import bentoml
import numpy as np
import onnxruntime


@bentoml.service
class Bench:
    def __init__(self) -> None:
        self.session = onnxruntime.InferenceSession(os.environ["BENCH_MODEL"])

    @bentoml.api
    def predict(self, data: list[list[float]]) -> list[list[float]]:
        (predicted,) = self.session.run(None, {"X": np.array(data, dtype=np.float32)})
        return predicted.tolist()
