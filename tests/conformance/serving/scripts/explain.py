"""Trains models, writes them to ORRERY_FOLDER as ONNX, and prints what the shap library says of them."""

import json
import os
import warnings
from pathlib import Path

import lightgbm as lgb
import numpy as np
import onnxmltools
import shap
import xgboost as xgb
from onnxmltools.convert.common.data_types import FloatTensorType
from skl2onnx import to_onnx
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")
folder = Path(os.environ["ORRERY_FOLDER"])
random = np.random.default_rng(0)
X = random.normal(size=(400, 6)).astype(np.float32)
amount = X[:, 0] * 2 + X[:, 1] * X[:, 2] + np.abs(X[:, 3]) + random.normal(size=400) * 0.1
late = (amount > 0.5).astype(int)
kind = np.digitize(amount, [-0.5, 1.5])
gaps = X.copy()
gaps[::5, 1] = np.nan
gaps[1::7, 0] = np.nan
codes = X.copy()
codes[:, 4] = random.integers(0, 12, 400)
expected = {}


def keep(name, onnx, explanation, rows, background, **more):
    (folder / f"{name}.onnx").write_bytes(onnx.SerializeToString())
    values = np.asarray(explanation.values, dtype=float)
    base = np.asarray(explanation.base_values, dtype=float)
    if values.ndim == 2:
        values, base = values[:, :, None], base.reshape(-1, 1)
    # Of two classes the second is explained; forests give both.
    if values.shape[2] == 2:
        values, base = values[:, :, 1:], base[:, 1:]
    plain = lambda table: [[None if np.isnan(cell) else float(cell) for cell in row] for row in table]
    expected[name] = {
        "rows": plain(rows),
        "background": plain(background),
        "values": values.transpose(0, 2, 1).tolist(),
        "base": base[0].tolist(),
        **more,
    }


def trees(name, model, onnx, data, seen=lambda rows: rows):
    rows, background = data[:20], data[100:140]
    explainer = shap.TreeExplainer(model, seen(background), feature_perturbation="interventional")
    keep(name, onnx, explainer(seen(rows), check_additivity=False), rows, background, method="trees")


def paths(name, model, onnx, data):
    explainer = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")
    keep(name, onnx, explainer(data[:20], check_additivity=False), data[:20], data, method="paths")


small = {"n_estimators": 20, "max_depth": 4, "random_state": 0}
matrix = [("X", FloatTensorType([None, 6]))]
plain = {"zipmap": False}


def sk(model):
    return to_onnx(model, X[:1], options=plain if hasattr(model, "predict_proba") else None)


for name, model, target in [
    ("forest", RandomForestClassifier(**small), late),
    ("forest-kinds", RandomForestClassifier(**small), kind),
    ("forest-amount", RandomForestRegressor(**small), amount),
    ("boosted", GradientBoostingClassifier(**small), late),
    ("boosted-amount", GradientBoostingRegressor(**small), amount),
]:
    model.fit(X, target)
    trees(name, model, sk(model), X)
    if name == "boosted-amount":
        paths("boosted-amount-paths", model, sk(model), X)

for name, model, target in [
    ("xgb", xgb.XGBClassifier(**small), late),
    ("xgb-kinds", xgb.XGBClassifier(**small), kind),
    ("xgb-amount", xgb.XGBRegressor(**small), amount),
]:
    model.fit(gaps, target)
    trees(name, model, onnxmltools.convert_xgboost(model, initial_types=matrix), gaps)
    # shap 0.51 takes the first class's base score for all classes; XGBoost's own margins tell.
    margins = model.predict(gaps[100:140], output_margin=True).reshape(40, -1)
    expected[name]["base"] = margins.mean(0).tolist()

light = {"n_estimators": 20, "max_depth": 4, "verbose": -1, "random_state": 0}
for name, model, target, data in [
    ("lgb", lgb.LGBMClassifier(**light), late, gaps),
    ("lgb-kinds", lgb.LGBMClassifier(**light), kind, gaps),
    ("lgb-amount", lgb.LGBMRegressor(**light), amount, gaps),
    ("lgb-codes", lgb.LGBMRegressor(**light, min_data_per_group=5), amount + codes[:, 4] % 3, codes),
]:
    model.fit(data, target, categorical_feature=[4] if name == "lgb-codes" else "auto")
    more = plain if hasattr(model, "predict_proba") else {}
    onnx = onnxmltools.convert_lightgbm(model, initial_types=matrix, **more)
    if name == "lgb-codes":
        # shap's own walk does not know LightGBM's categories; LightGBM's own answer does.
        paths(name, model, onnx, data)
    else:
        trees(name, model, onnx, data)

# The scaler moves each column by itself: the trees see moved columns, and the values are theirs.
scaled = make_pipeline(StandardScaler(), GradientBoostingClassifier(**small)).fit(X, late)
for name, options in [("scaled", {}), ("divided", {StandardScaler: {"div": "div"}})]:
    onnx = to_onnx(scaled, X[:1], options={**options, id(scaled): plain})
    trees(name, scaled[1], onnx, X, scaled[0].transform)

# Neither of these is trees: all coalitions of six columns, and a sample of them.
line = LogisticRegression().fit(X, kind)
exact = shap.explainers.Exact(line.predict_proba, shap.maskers.Independent(X[100:120], max_samples=20))
keep("line", sk(line), exact(X[:4]), X[:4], X[100:120], method="exact")
wide = random.normal(size=(300, 15)).astype(np.float32)
net = MLPRegressor(hidden_layer_sizes=(8,), max_iter=300, random_state=0).fit(wide, wide[:, 0] * wide[:, 1] + wide[:, 2])
kernel = shap.KernelExplainer(net.predict, wide[100:120])
values = kernel.shap_values(wide[:3], nsamples=4000, silent=True)
keep(
    "net",
    to_onnx(net, wide[:1]),
    shap.Explanation(values, base_values=np.full(3, kernel.expected_value)),
    wide[:3],
    wide[100:120],
    method="permutation",
)
print(json.dumps(expected))
