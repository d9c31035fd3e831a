"""Prints tables and what NannyML and Evidently say of several columns of them at once, as JSON, with their own code."""

import json
import os
import warnings

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
warnings.simplefilter("ignore")

import numpy as np
import pandas as pd
from evidently.legacy.calculations.stattests.mmd_stattest import kernel_matrix, mmd_2samp
from evidently.legacy.features.non_letter_character_percentage_feature import NonLetterCharacterPercentage
from evidently.legacy.features.text_length_feature import TextLength
from nannyml import DataReconstructionDriftCalculator
from nannyml.drift.multivariate.domain_classifier.calculator import DomainClassifierCalculator

from plain import plain


def table(rng, n, turn):
    base = rng.normal(0, 1, n)
    frame = pd.DataFrame({
        "a": base + rng.normal(0, 0.3, n),
        "b": turn * base + rng.normal(0, 0.3, n),
        "c": rng.exponential(1, n),
        "d": rng.choice(list("xyz"), n, p=[0.5, 0.3, 0.2]),
        "e": np.where(base > 0, "up", "down"),
    }).round(3)
    frame.loc[rng.uniform(0, 1, n) < 0.05, "c"] = np.nan
    frame.loc[rng.uniform(0, 1, n) < 0.05, "d"] = np.nan
    return frame.astype({"d": object, "e": object})


def reconstruction(reference, current):
    calculator = DataReconstructionDriftCalculator(column_names=list(reference.columns), chunk_size=len(reference))
    calculator.fit(reference.copy())
    data = calculator.calculate(current.copy()).filter(period="analysis").to_df()
    return [float(data[("reconstruction_error", key)].iloc[0]) for key in ("value", "sampling_error")]


def classifier(reference, current):
    calculator = DomainClassifierCalculator(feature_column_names=list(reference.columns), chunk_size=len(reference))
    calculator._is_fitted = True
    calculator._reference_X = reference
    calculator.continuous_column_names, calculator.categorical_column_names = list("abc"), list("de")
    chunk = type("Chunk", (), {"data": current})
    return calculator._calculate_chunk(chunk)


def mmd(rng):
    cases = []
    for one, other in (((60, 1), (40, 1)), ((50, 3), (50, 3))):
        x, y = rng.normal(0, 1, one).round(3), rng.normal(0.4, 1, other).round(3)
        if x.shape[1] == 1:
            matrix = kernel_matrix(x, y)
            value = mmd_2samp(matrix - np.diag(np.diagonal(matrix)), len(y))
            cases.append({"one": x, "other": y, "statistic": value})
    return cases


def columns(frame):
    return {name: [None if pd.isna(value) else value for value in frame[name].tolist()] for name in frame}


rng = np.random.default_rng(31)
reference = table(rng, 400, 1)
cases = {name: table(rng, 150, turn) for name, turn in (("same", 1), ("turned", -1))}
cases["new category"] = cases["same"].assign(d="w")
texts = ["A plain text.", "Zwei Sätze! Noch einer?", "1234 -- 5678", "", "naïve café (7 %)"]
print(json.dumps(plain({
    "reference": columns(reference),
    "cases": {
        name: {
            "current": columns(frame),
            "reconstruction": reconstruction(reference, frame),
            "classifier": classifier(reference, frame),
        }
        for name, frame in cases.items()
    },
    "mmd": mmd(rng),
    "texts": [
        {"text": text, "length": TextLength(column_name="t").apply(text),
         "nonLetters": NonLetterCharacterPercentage(column_name="t").apply(text) if text else 0}
        for text in texts
    ],
})))
