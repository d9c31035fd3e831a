import os

import numpy as np
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
session = onnxruntime.InferenceSession(os.environ["BENCH_MODEL"])


class Rows(BaseModel):
    data: list[list[float]]


@app.post("/predict")
async def predict(rows: Rows):
    (predicted,) = session.run(None, {"X": np.array(rows.data, dtype=np.float32)})
    return {"predictions": predicted.tolist()}
