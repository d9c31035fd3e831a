"""Prints columns and what the drift statistics of Evidently and NannyML say of them, as JSON, with their own code."""

import json
import os
import warnings

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
warnings.simplefilter("ignore")

import numpy as np
import pandas as pd
from evidently.legacy.calculations import stattests
from evidently.legacy.core import ColumnType
from nannyml.drift.univariate.methods import FeatureType, MethodFactory
from nannyml.thresholds import ConstantThreshold

from plain import plain

EVIDENTLY = {
    "psi": stattests.psi.psi_stat_test,
    "jensenShannon": stattests.jensenshannon_stat_test,
    "kullbackLeibler": stattests.kl_div_stat_test,
    "hellinger": stattests.hellinger_stat_test,
    "wasserstein": stattests.wasserstein_stat_test,
}


def evidently(reference, current, kind):
    found = {}
    for name, test in EVIDENTLY.items():
        if kind == ColumnType.Numerical or name != "wasserstein":
            found[name] = test(reference.copy(), current.copy(), kind, None).drift_score
    return found


def nannyml(reference, current, kind, names):
    found = {}
    for name in names:
        method = MethodFactory.create(name, kind, chunker=None, threshold=ConstantThreshold())
        method._fit(reference)
        found[name] = method._calculate(current)
    return found


def numeric():
    rng = np.random.default_rng(21)
    pairs = [
        (rng.normal(0, 1, 700).round(3), rng.normal(0.3, 1.2, 240).round(3)),
        (rng.exponential(2, 400).round(2), rng.exponential(3, 500).round(2)),
        (rng.integers(0, 200, 300), rng.integers(20, 260, 150)),
        (rng.integers(0, 9, 300), rng.integers(1, 11, 200)),
        (rng.normal(0, 1e-3, 60).round(6), rng.normal(0, 1e-3, 50).round(6)),
    ]
    for one, other in pairs:
        reference, current = pd.Series(one), pd.Series(other)
        yield {
            "reference": one,
            "current": other,
            "integers": bool(np.issubdtype(one.dtype, np.integer)),
            "evidently": evidently(reference, current, ColumnType.Numerical),
            "nannyml": nannyml(reference.astype(float), current.astype(float), FeatureType.CONTINUOUS,
                               ["jensen_shannon", "kolmogorov_smirnov", "wasserstein"]),
        }


def large():
    """Beyond 10,000 reference values NannyML answers from bins: even values, given by how many there are."""
    for n, m, scale, shift in ((10_000, 900, 1.0, 0.07), (12_000, 5_000, 1.3, -0.1)):
        reference = pd.Series((np.arange(n) + 0.5) / n)
        current = pd.Series((np.arange(m) + 0.5) / m * scale + shift)
        names = ["jensen_shannon", "kolmogorov_smirnov", "wasserstein"]
        yield [n, m, scale, shift, nannyml(reference, current, FeatureType.CONTINUOUS, names)]


def categorical():
    rng = np.random.default_rng(22)
    for names, other in (("abcde", "abcdef"), ("ab", "ab"), ("abcdefgh", "cdefghij")):
        reference = pd.Series(rng.choice(list(names), 500))
        current = pd.Series(rng.choice(list(other), 180))
        yield {
            "reference": reference.value_counts().to_dict(),
            "current": current.value_counts().to_dict(),
            "evidently": evidently(reference, current, ColumnType.Categorical),
            "nannyml": nannyml(reference, current, FeatureType.CATEGORICAL, ["jensen_shannon", "l_infinity"]),
        }


print(json.dumps(plain({
    "numeric": list(numeric()),
    "large": list(large()),
    "categorical": list(categorical()),
})))
