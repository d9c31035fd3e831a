"""Prints predictions of groups and the metrics that Fairlearn gives for them, as JSON: fairness.json."""

import json

import numpy as np
from fairlearn import metrics as f

cases = []
for seed, names in enumerate((["a", "b"], ["a", "b", "c", "d"])):
    rng = np.random.default_rng(seed)
    n = 240 * len(names)
    groups = rng.choice(names, n)
    lean = {name: place * 0.25 for place, name in enumerate(names)}
    truths = (rng.uniform(0, 1, n) < 0.4).astype(int)
    shift = np.array([lean[group] for group in groups])
    scores = np.clip(truths * 0.3 + shift * 0.4 + rng.uniform(0, 0.6, n), 0, 1).round(3)
    said = (scores >= 0.5).astype(int)
    at = {"y_true": truths, "y_pred": said, "sensitive_features": groups}
    cases.append({
        "groups": groups.tolist(),
        "truths": truths.tolist(),
        "scores": scores.tolist(),
        "metrics": {
            name: float(getattr(f, name)(**at))
            for name in (
                "demographic_parity_difference",
                "demographic_parity_ratio",
                "equalized_odds_difference",
                "equalized_odds_ratio",
                "equal_opportunity_difference",
                "equal_opportunity_ratio",
            )
        } | {
            "accuracy_difference": float(
                f.MetricFrame(
                    metrics=lambda a, b: (a == b).mean(), **at
                ).difference()
            ),
            "calibration_gap": float(
                f.MetricFrame(
                    metrics=lambda a, b: b.mean() - a.mean(),
                    y_true=truths, y_pred=scores, sensitive_features=groups,
                ).difference()
            ),
        },
    })
print(json.dumps(cases))
