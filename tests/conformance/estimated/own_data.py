"""Prints what NannyML estimates of its own data sets, chunk by chunk, and where they lie, as JSON."""

import json
import logging
import os
import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
# Threads that wait for one another on a busy machine take minutes.
os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np
import nannyml as nml
import pandas as pd

DATA = os.path.join(os.path.dirname(nml.__file__), "datasets", "data")
CHUNK = 1500
# Every so manieth row: all of them take NannyML half a minute and show the same.
STEP = 10


def read(name):
    return pd.read_csv(os.path.join(DATA, name)).iloc[::STEP].reset_index(drop=True)


def estimates(result, metrics):
    rows = result.filter(period="analysis").to_df(multilevel=True)
    return [{m: [row[(m, "value")], row[(m, "sampling_error")]] for m in metrics} for _, row in rows.iterrows()]


def classification(reference, analysis, scores, kind):
    metrics = ["accuracy", "precision", "recall", "specificity", "f1", "roc_auc", "average_precision"]
    cbpe = nml.CBPE(metrics=metrics, y_pred_proba=scores, y_pred="y_pred", y_true=kind[1],
                    problem_type=kind[0], chunk_size=CHUNK)
    np.random.seed(1)
    cbpe.fit(reference)
    return estimates(cbpe.estimate(analysis), metrics)


def regression():
    reference, analysis = read("regression_synthetic_reference.csv"), read("regression_synthetic_analysis.csv")
    truth = read("regression_synthetic_analysis_targets.csv")
    features = ["car_age", "km_driven", "price_new", "accident_count", "door_count", "fuel", "transmission"]
    dle = nml.DLE(feature_column_names=features, y_pred="y_pred", y_true="y_true", metrics=["mae", "rmse"],
                  chunk_size=CHUNK)
    dle.fit(reference)
    real = (truth["y_true"].to_numpy() - analysis["y_pred"].to_numpy())
    chunks = [real[at:at + CHUNK] for at in range(0, len(real), CHUNK)]
    return {"features": features, "estimates": estimates(dle.estimate(analysis), ["mae", "rmse"]),
            "realised": [[np.abs(c).mean(), np.sqrt((c ** 2).mean())] for c in chunks]}


print(json.dumps({
    "data": DATA,
    "chunk": CHUNK,
    "step": STEP,
    "binary": classification(read("synthetic_car_loan_reference.csv"), read("synthetic_car_loan_analysis.csv"),
                             "y_pred_proba", ("classification_binary", "repaid")),
    "multiclass": classification(read("mc_reference.csv"), read("mc_analysis.csv"),
                                 {"prepaid_card": "y_pred_proba_prepaid_card",
                                  "highstreet_card": "y_pred_proba_highstreet_card",
                                  "upmarket_card": "y_pred_proba_upmarket_card"},
                                 ("classification_multiclass", "y_true")),
    "regression": regression(),
}))
