"""Prints inputs and the values that SciPy, scikit-learn and MLstatkit give for them, as JSON.

The output is committed as values.json; a conformance test runs this again and compares.
"""

import json

import numpy as np
from MLstatkit import Delong_test
from scipy import special, stats
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from plain import plain


def distributions(rng):
    z = rng.uniform(-8, 8, 20)
    x = 10 ** rng.uniform(-1, 3, 20)
    df = rng.integers(1, 200, 20)
    k = rng.uniform(0.2, 3, 20)
    p = 10 ** rng.uniform(-9, -0.01, 20)
    return {
        "normalCdf": [[a, stats.norm.cdf(a)] for a in z],
        "normalSf": [[a, stats.norm.sf(a)] for a in z],
        "normalQuantile": [[a, stats.norm.ppf(a)] for a in p],
        "chiSquareSf": [[a, b, stats.chi2.sf(a, b)] for a, b in zip(x, df)],
    }


def shares(rng):
    cases = []
    for bins in (2, 5, 20):
        one = rng.multinomial(1000, rng.dirichlet(np.ones(bins)))
        other = rng.multinomial(300, rng.dirichlet(np.ones(bins)))
        other[0] = 0
        p, q = one / one.sum(), other / other.sum()
        pf, qf = np.maximum(p, 1e-4), np.maximum(q, 1e-4)
        cases.append({
            "reference": one,
            "current": other,
            "psi": np.sum((pf - qf) * np.log(pf / qf)),
            "jensenShannon": jensenshannon(p, q, base=2),
            "hellinger": np.linalg.norm(np.sqrt(p) - np.sqrt(q)) / np.sqrt(2),
            "totalVariation": np.abs(p - q).sum() / 2,
            "largestDifference": np.abs(p - q).max(),
        })
    return cases


def samples(rng):
    cases = []
    for n, m, shift in ((40, 25, 0.3), (60, 60, 0.0), (300, 200, 0.2)):
        one, other = rng.normal(0, 1, n).round(2), rng.normal(shift, 1.2, m).round(2)
        exact = stats.ks_2samp(one, other, method="exact")
        cases.append({
            "one": one,
            "other": other,
            "d": exact.statistic,
            "p": exact.pvalue,
            "wasserstein": stats.wasserstein_distance(one, other),
        })
    return cases


def large_samples(_):
    cases = []
    for n, m in ((2000, 900), (5000, 700)):
        for d in (0.02, 0.04, 0.06):
            one, other = (np.arange(n) + 0.5) / n, (np.arange(m) + 0.5) / m + d
            found = stats.ks_2samp(one, other, method="asymp")
            cases.append({"n": n, "m": m, "shift": d, "d": found.statistic, "p": found.pvalue})
    return cases


def tables(rng):
    cases = []
    for bins in (2, 6, 20):
        one = rng.multinomial(2000, rng.dirichlet(np.ones(bins) * 5))
        other = rng.multinomial(150, rng.dirichlet(np.ones(bins) * 5))
        used = (one + other) > 0
        found = stats.chi2_contingency([one[used], other[used]], correction=False)
        cases.append({
            "one": one, "other": other,
            "statistic": found.statistic, "degreesOfFreedom": found.dof, "p": found.pvalue,
        })
    return cases


def proportions(rng):
    cases = []
    for hits, of in ((0, 20), (7, 31), (200, 201), (450, 1000)):
        ci = stats.binomtest(hits, of).proportion_ci(0.95, method="wilson")
        cases.append({"hits": hits, "of": of, "low": ci.low, "high": ci.high})
    pairs = []
    for a, n, b, m in ((30, 100, 60, 120), (5, 1000, 9, 900)):
        pooled = (a + b) / (n + m)
        z = (a / n - b / m) / np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
        pairs.append({"one": [a, n], "other": [b, m], "z": z, "p": 2 * stats.norm.sf(abs(z))})
    ps = np.concatenate([rng.uniform(0, 1, 12), 10 ** rng.uniform(-8, -2, 6)])
    return {
        "wilson": cases,
        "pairs": pairs,
        "benjaminiHochberg": {"ps": ps, "adjusted": stats.false_discovery_control(ps, method="bh")},
    }


def ranking(rng):
    cases = []
    for n, digits in ((120, 6), (400, 2), (60, 1)):
        labels = (rng.uniform(0, 1, n) < 0.35).astype(int)
        signal = labels + rng.normal(0, 1.5, n)
        candidate = special.expit(signal + rng.normal(0, 0.5, n)).round(digits)
        champion = special.expit(signal + rng.normal(0, 1.5, n)).round(digits)
        z, p, ci_champion, ci_candidate, auc_champion, auc_candidate, info = Delong_test(
            labels, champion, candidate, random_state=0
        )
        assert info["method"] == "delong"
        assert np.isclose(auc_candidate, roc_auc_score(labels, candidate))
        cases.append({
            "labels": labels, "candidate": candidate, "champion": champion,
            "aucCandidate": auc_candidate, "aucChampion": auc_champion,
            "ciCandidate": ci_candidate, "ciChampion": ci_champion,
            "z": z, "p": p, "varianceOfDifference": info["var_diff"],
        })
    return cases


def calibration(rng):
    cases = []
    for n in (50, 500):
        probabilities = rng.beta(1, 3, n).round(3)
        labels = (rng.uniform(0, 1, n) < probabilities * 1.2).astype(int)
        bins = np.clip(np.ceil(probabilities * 10).astype(int) - 1, 0, 9)
        ece = sum(
            abs(labels[bins == b].mean() - probabilities[bins == b].mean()) * (bins == b).mean()
            for b in np.unique(bins)
        )
        errors = probabilities - labels
        interval = stats.norm.interval(0.95, errors.mean(), errors.std(ddof=1) / np.sqrt(n))
        cases.append({
            "labels": labels, "probabilities": probabilities,
            "logLoss": log_loss(labels, probabilities), "brier": brier_score_loss(labels, probabilities),
            "expectedCalibrationError": ece,
            "inTheLarge": [errors.mean(), *interval],
        })
    return cases


parts = [distributions, shares, samples, large_samples, tables, proportions, ranking, calibration]
print(json.dumps(plain({
    part.__name__: part(np.random.default_rng(seed)) for seed, part in enumerate(parts)
})))
