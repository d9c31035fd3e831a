import os
import sys

import joblib
import mlflow
import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingRegressor
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType

# One tabular model as everybody here takes it: for MLflow and Orrery, as ONNX alone, and as scikit-learn pickles it.
home = sys.argv[1]
random = np.random.default_rng(7)
columns = [f"x{n}" for n in range(20)]
rows = pd.DataFrame(random.normal(0, 1, (2000, 20)).astype(np.float32), columns=columns)
model = GradientBoostingRegressor(n_estimators=100).fit(rows, rows.sum(axis=1) + rows["x0"] ** 2)
made = to_onnx(model, initial_types=[("X", FloatTensorType([None, 20]))])
signature = mlflow.models.infer_signature(rows, model.predict(rows))
mlflow.onnx.save_model(made, os.path.join(home, "model"), signature=signature)
with open(os.path.join(home, "model.onnx"), "wb") as file:
    file.write(made.SerializeToString())
joblib.dump(model, os.path.join(home, "model.joblib"))
