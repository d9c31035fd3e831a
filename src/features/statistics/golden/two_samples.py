"""Prints samples and what SciPy's tests of two samples say of them, as JSON; made and held as make.py's values are."""

import json
import warnings

import numpy as np
from scipy import stats

from plain import plain

warnings.simplefilter("ignore")


def samples():
    rng = np.random.default_rng(11)
    yield rng.normal(0, 1, 40).round(2), rng.normal(0.4, 1.3, 25).round(2)
    yield rng.normal(0, 1, 18).round(3), rng.normal(0.7, 1, 12).round(3)
    yield rng.exponential(1, 300).round(1), rng.exponential(1.2, 300).round(1)
    yield rng.integers(0, 7, 150).astype(float), rng.integers(0, 6, 90).astype(float)
    yield rng.normal(0, 1, 6).round(6), rng.normal(1, 1, 30).round(6)
    yield rng.normal(5, 1e-3, 20).round(6), rng.normal(5, 1e-3, 20).round(6)


def of(one, other):
    cases = {
        "kolmogorovSmirnov": stats.ks_2samp(one, other),
        "andersonDarling": stats.anderson_ksamp([one, other], midrank=True),
        "cramerVonMises": stats.cramervonmises_2samp(one, other),
        "eppsSingleton": stats.epps_singleton_2samp(one, other),
        "studentT": stats.ttest_ind(one, other),
        "welchT": stats.ttest_ind(one, other, equal_var=False),
    } | {
        f"mannWhitney {way}": stats.mannwhitneyu(one, other, alternative=way)
        for way in ("two-sided", "less", "greater")
    }
    return {
        "one": one,
        "other": other,
        "wasserstein": stats.wasserstein_distance(one, other),
        "energy": stats.energy_distance(one, other),
        "tests": {name: [found.statistic, found.pvalue] for name, found in cases.items()},
    }


def limits():
    """Of the one-sample Kolmogorov–Smirnov statistic, on all sides of where its methods change."""
    return [
        [n, d, stats.kstwo.sf(d, n)]
        for n in (1, 5, 20, 140, 141, 1000, 7_500, 99_000, 250_000)
        for d in (0.4 / n, 0.9 / n, 0.004, 0.012, 0.03, 0.07, 0.2, 0.45, 0.6, 1 - 0.5 / n)
        if d < 1
    ]


def large():
    """Samples too large to count paths: given by their sizes and how far the second is moved."""
    cases = []
    for n, m in ((12_000, 9_000), (10_500, 40_000)):
        for shift in (0.005, 0.012, 0.03):
            one, other = (np.arange(n) + 0.5) / n, (np.arange(m) + 0.5) / m + shift
            found = stats.ks_2samp(one, other)
            cases.append([n, m, shift, found.statistic, found.pvalue])
    return cases


def tables():
    rng = np.random.default_rng(5)
    cases = []
    for bins in (2, 3, 8):
        one = rng.multinomial(700, rng.dirichlet(np.ones(bins) * 4))
        other = rng.multinomial(240, rng.dirichlet(np.ones(bins) * 4)) + 1
        expected = one * other.sum() / one.sum()
        table = [one, other]
        cases.append({
            "one": one,
            "other": other,
            "chiSquareGoodness": list(stats.chisquare(other, expected)),
            "gGoodness": list(stats.power_divergence(other, expected, lambda_="log-likelihood")),
            "gContingency": list(stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")[:2]),
            "cramersV": stats.contingency.association(table, method="cramer"),
        })
    return cases


def fisher():
    cases = [(3, 10, 9, 12), (0, 30, 4, 30), (480, 1000, 430, 1000), (5, 5, 0, 5), (1, 4000, 30, 3500), (7, 7, 9, 9)]
    return [
        [a, n, b, m, stats.fisher_exact([[a, n - a], [b, m - b]])[1]] for a, n, b, m in cases
    ]


def adjusted():
    ps = np.random.default_rng(3).uniform(0, 0.2, 9)
    order = np.argsort(ps)
    holm = np.empty_like(ps)
    holm[order] = np.minimum(1, np.maximum.accumulate(ps[order] * np.arange(len(ps), 0, -1)))
    return {"ps": ps, "holm": holm}


print(json.dumps(plain({
    "samples": [of(*pair) for pair in samples()],
    "limits": limits(),
    "large": large(),
    "tables": tables(),
    "fisher": fisher(),
    "adjusted": adjusted(),
})))
