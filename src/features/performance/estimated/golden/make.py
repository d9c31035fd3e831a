"""Prints answers of two classifiers and a regressor with the values that NannyML gives for them, as JSON.

The output is committed as values.json; a conformance test runs this again and compares.
"""

import json
import sys
import warnings

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
import logging

logging.disable(logging.CRITICAL)
import os

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
import nannyml as nml
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import StratifiedShuffleSplit

METRICS = ["accuracy", "precision", "recall", "specificity", "f1", "roc_auc", "average_precision", "business_value"]


def estimates(result, metrics):
    rows = result.filter(period="analysis").to_df(multilevel=True)
    return [
        {m: [row[(m, "value")], row[(m, "sampling_error")],
             row[(m, "lower_confidence_boundary")], row[(m, "upper_confidence_boundary")]] for m in metrics}
        for _, row in rows.iterrows()
    ]


def binary(rng, rows, skew):
    truth_score = rng.beta(2, 3, rows)
    truth = (rng.uniform(size=rows) < truth_score).astype(int)
    score = np.round(np.clip(truth_score ** skew + rng.normal(0, 0.05, rows), 0, 1), 4)
    return pd.DataFrame({"score": score, "said": (score > 0.5).astype(int), "truth": truth})


def binary_case(rng, skew, share):
    reference = binary(rng, 800, skew)
    analysis = binary(rng, 600, skew)
    # The world has moved: more of the rows that are hard to tell.
    analysis = analysis[(analysis.score > share) | (analysis.index % 3 == 0)].reset_index(drop=True)
    cbpe = nml.CBPE(metrics=METRICS, y_pred_proba="score", y_pred="said", y_true="truth",
                    problem_type="classification_binary", chunk_number=1,
                    business_value_matrix=[[1, -2], [-5, 10]])
    cbpe.fit(reference)
    return {
        "reference": {k: reference[k].tolist() for k in reference},
        "analysis": {k: analysis[k].tolist() for k in ("score", "said")},
        "calibrated": bool(cbpe.needs_calibration),
        "estimates": estimates(cbpe.estimate(analysis), METRICS)[0],
    }


def multiclass(rng, rows, sharp):
    truth = rng.integers(0, 3, rows)
    logits = rng.normal(0, 1, (rows, 3))
    logits[np.arange(rows), truth] += sharp
    p = np.exp(1.6 * logits)
    p = np.round(p / p.sum(axis=1, keepdims=True), 4)
    p[:, 2] = np.round(1 - p[:, 0] - p[:, 1], 4)
    return pd.DataFrame({"a": p[:, 0], "b": p[:, 1], "c": p[:, 2],
                         "said": [list("abc")[i] for i in p.argmax(axis=1)],
                         "truth": [list("abc")[i] for i in truth]})


def multiclass_case(rng):
    reference, analysis = multiclass(rng, 700, 1.2), multiclass(rng, 300, 0.8)
    cbpe = nml.CBPE(metrics=METRICS, y_pred_proba={c: c for c in "abc"}, y_pred="said", y_true="truth",
                    problem_type="classification_multiclass", chunk_number=1,
                    business_value_matrix=[[3, -1, 0], [-2, 2, 0], [0, -4, 1]])
    cbpe.fit(reference)
    return {
        "reference": {k: reference[k].tolist() for k in reference},
        "analysis": {k: analysis[k].tolist() for k in ("a", "b", "c", "said")},
        "estimates": estimates(cbpe.estimate(analysis), METRICS)[0],
    }


def isotonic_case(rng):
    x = np.round(rng.uniform(size=60), 2)
    y = (rng.uniform(size=60) < x ** 2).astype(int)
    at = np.linspace(-0.2, 1.2, 29)
    model = IsotonicRegression(out_of_bounds="clip", increasing=True).fit(x, y)
    return {"x": x.tolist(), "y": y.tolist(), "at": at.tolist(), "curve": model.predict(at).tolist()}


def splits_case(rng):
    y = (rng.uniform(size=57) < 0.3).astype(int)
    splitter = StratifiedShuffleSplit(n_splits=3, test_size=0.1, random_state=42)
    return {"labels": y.tolist(),
            "splits": [[a.tolist(), b.tolist()] for a, b in splitter.split(y, y)]}


def main():
    rng = np.random.default_rng(11)
    np.random.seed(11)
    json.dump({
        "isotonic": isotonic_case(rng),
        "splits": splits_case(rng),
        "binary": [binary_case(rng, 0.4, 0.6), binary_case(rng, 1.0, 0.3)],
        "multiclass": multiclass_case(rng),
    }, sys.stdout)


main()
