"""Prints rows and how well LightGBM, with its defaults, answers those that it did not learn from, as JSON."""

import json

import lightgbm
import numpy as np
from sklearn.metrics import r2_score, roc_auc_score

from plain import plain


def rows(rng, n):
    x = np.column_stack([rng.normal(0, 1, n), rng.uniform(0, 10, n), rng.exponential(1, n), rng.integers(0, 12, n)]).round(3)
    lift = np.array([0, 2, -1, 0.5, 3, -2, 1, 0, -3, 2, 1, -1])[x[:, 3].astype(int)]
    signal = np.sin(x[:, 0] * 2) * 2 + (x[:, 1] > 6) * 1.5 + lift + x[:, 0] * (x[:, 2] > 1)
    x[rng.uniform(0, 1, n) < 0.05, 1] = np.nan
    return x, signal


def main():
    rng = np.random.default_rng(13)
    x, signal = rows(rng, 1400)
    target = (signal + rng.normal(0, 0.5, len(signal))).round(3)
    label = (rng.uniform(0, 1, len(signal)) < 1 / (1 + np.exp(-signal))).astype(int)
    learn, held = slice(0, 1000), slice(1000, None)
    settings = {"verbose": -1, "deterministic": True, "force_row_wise": True, "num_threads": 1}
    cases = {}
    for name, categorical in (("numbers", []), ("categories", [3])):
        def fit(objective, y):
            data = lightgbm.Dataset(x[learn], y[learn], categorical_feature=categorical)
            return lightgbm.train({**settings, "objective": objective}, data, 100).predict(x[held])
        regression, classification = fit("regression", target), fit("binary", label)
        cases[name] = {
            "r2": r2_score(target[held], regression),
            "auc": roc_auc_score(label[held], classification),
            "answers": regression[:50],
        }
    columns = [[None if np.isnan(value) else value for value in column] for column in x.T.tolist()]
    print(json.dumps(plain({"columns": columns, "target": target, "label": label, "cases": cases})))


main()
