"""Prints answers with their truths and the metrics that scikit-learn and SciPy give for them, as JSON.

The output is committed as values.json; a conformance test runs this again and compares.
"""

import json

import numpy as np
from scipy import special, stats
from sklearn import metrics as m
from sklearn.linear_model import LogisticRegression


def binary(rng):
    cases = []
    for n, digits in ((300, 6), (120, 1)):
        truths = (rng.uniform(0, 1, n) < 0.3).astype(int)
        scores = special.expit(truths * 1.5 - 1 + rng.normal(0, 1.2, n)).round(digits)
        said = (scores >= 0.5).astype(int)
        precision, recall, f1, _ = m.precision_recall_fscore_support(truths, said, average="binary")
        tn, fp, fn, tp = m.confusion_matrix(truths, said).ravel()
        logits = special.logit(np.clip(scores, 2.220446049250313e-16, 1 - 2.220446049250313e-16))
        recalibration = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10000).fit(
            logits.reshape(-1, 1), truths
        )
        order = np.argsort(scores, kind="stable")
        parts = np.array_split(order, 10)
        bins = np.clip(np.ceil(scores * 10).astype(int) - 1, 0, 9)
        gaps = [
            (abs(truths[bins == b].mean() - scores[bins == b].mean()), (bins == b).mean())
            for b in np.unique(bins)
        ]
        top = np.argsort(-scores, kind="stable")[: int(np.ceil(n / 10))]
        auc = m.roc_auc_score(truths, scores)
        cases.append({
            "truths": truths, "scores": scores,
            "metrics": {
                "accuracy": m.accuracy_score(truths, said),
                "balanced_accuracy": m.balanced_accuracy_score(truths, said),
                "precision": precision, "recall": recall, "f1": f1,
                "f2": m.fbeta_score(truths, said, beta=2),
                "f05": m.fbeta_score(truths, said, beta=0.5),
                "specificity": m.recall_score(truths, said, pos_label=0),
                "npv": m.precision_score(truths, said, pos_label=0),
                "fpr": fp / (fp + tn), "fnr": fn / (fn + tp),
                "mcc": m.matthews_corrcoef(truths, said),
                "kappa": m.cohen_kappa_score(truths, said),
                "roc_auc": auc, "gini": 2 * auc - 1,
                "average_precision": m.average_precision_score(truths, scores),
                "ks": stats.ks_2samp(scores[truths == 1], scores[truths == 0]).statistic,
                "gain_10": truths[top].sum() / truths.sum(),
                "lift_10": truths[top].sum() / truths.sum() * 10,
                "log_loss": m.log_loss(truths, scores),
                "brier": m.brier_score_loss(truths, scores),
                "ece": sum(gap * share for gap, share in gaps),
                "mce": max(gap for gap, _ in gaps),
                "ace": sum(
                    abs(truths[p].mean() - scores[p].mean()) * len(p) / n for p in parts
                ),
                "calibration_difference": scores.mean() - truths.mean(),
                "calibration_slope": recalibration.coef_[0][0],
                "calibration_intercept": recalibration.intercept_[0],
                "selection_rate": said.mean(), "event_rate": truths.mean(),
            },
        })
    return cases


def multiclass(rng):
    cases = []
    for n, k, digits in ((300, 3, 6), (400, 6, 2)):
        truths = rng.choice(k, n, p=rng.dirichlet(np.ones(k) * 3))
        raw = rng.normal(0, 1, (n, k))
        raw[np.arange(n), truths] += 1
        given = special.softmax(raw, axis=1).round(digits)
        given[np.arange(n), given.argmax(axis=1)] += 1 - given.sum(axis=1)
        said = given.argmax(axis=1)
        # A class that is never predicted: its precision is 0 of 0.
        said[said == k - 1] = 0
        values = {
            "accuracy": m.accuracy_score(truths, said),
            "balanced_accuracy": m.balanced_accuracy_score(truths, said),
            "mcc": m.matthews_corrcoef(truths, said),
            "kappa": m.cohen_kappa_score(truths, said),
            "log_loss": m.log_loss(truths, given, labels=np.arange(k)),
            "brier": m.brier_score_loss(truths, given, labels=np.arange(k)),
            "top_2_accuracy": m.top_k_accuracy_score(truths, given, k=2, labels=np.arange(k)),
            "roc_auc_ovr": m.roc_auc_score(truths, given, multi_class="ovr"),
            "roc_auc_ovr_weighted": m.roc_auc_score(
                truths, given, multi_class="ovr", average="weighted"
            ),
            "roc_auc_ovo": m.roc_auc_score(truths, given, multi_class="ovo"),
        }
        if k > 3:
            values["top_3_accuracy"] = m.top_k_accuracy_score(truths, given, k=3, labels=np.arange(k))
        for average in ("macro", "micro", "weighted"):
            found = m.precision_recall_fscore_support(
                truths, said, average=average, zero_division=0
            )
            for name, value in zip(("precision", "recall", "f1"), found):
                values[f"{name}_{average}"] = value
        cases.append({"truths": truths, "predicted": said, "given": given, "metrics": values})
    return cases


def multilabel(rng):
    cases = []
    for n, k in ((150, 4), (80, 7)):
        truths = (rng.uniform(0, 1, (n, k)) < 0.3).astype(int)
        truths[0] = 0
        truths[1] = 1
        scores = special.expit(truths * 1.5 - 1 + rng.normal(0, 1, (n, k))).round(2)
        said = (scores >= 0.5).astype(int)
        values = {
            "subset_accuracy": m.accuracy_score(truths, said),
            "hamming_loss": m.hamming_loss(truths, said),
            "jaccard_samples": m.jaccard_score(truths, said, average="samples", zero_division=0),
            "roc_auc_macro": m.roc_auc_score(truths, scores, average="macro"),
            "lrap": m.label_ranking_average_precision_score(truths, scores),
            "coverage_error": m.coverage_error(truths, scores),
            "ranking_loss": m.label_ranking_loss(truths, scores),
        }
        for average in ("macro", "micro", "weighted", "samples"):
            found = m.precision_recall_fscore_support(
                truths, said, average=average, zero_division=0
            )
            for name, value in zip(("precision", "recall", "f1"), found):
                values[f"{name}_{average}"] = value
        cases.append({"truths": truths, "scores": scores, "metrics": values})
    return cases


def regression(rng):
    cases = []
    for n, digits, far in ((250, 6, 0), (120, 0, 1000)):
        truths = (rng.gamma(2, 10, n) + far).round(digits)
        said = (truths * 0.9 + rng.normal(2, 5, n)).round(digits)
        said = np.maximum(said, 0)
        errors = said - truths
        sizes = np.abs(errors)
        low, middle, high = np.quantile(errors, (0.05, 0.5, 0.95))
        cases.append({
            "truths": truths, "predicted": said,
            "metrics": {
                "me": errors.mean(),
                "mae": m.mean_absolute_error(truths, said),
                "mse": m.mean_squared_error(truths, said),
                "rmse": m.root_mean_squared_error(truths, said),
                "medae": m.median_absolute_error(truths, said),
                "max_error": m.max_error(truths, said),
                "r2": m.r2_score(truths, said),
                "explained_variance": m.explained_variance_score(truths, said),
                "mape": m.mean_absolute_percentage_error(truths, said),
                "smape": (2 * sizes / (np.abs(truths) + np.abs(said))).mean(),
                "wape": sizes.sum() / np.abs(truths).sum(),
                "msle": m.mean_squared_log_error(truths, said),
                "rmsle": m.root_mean_squared_log_error(truths, said),
                "pinball_10": m.mean_pinball_loss(truths, said, alpha=0.1),
                "pinball_50": m.mean_pinball_loss(truths, said, alpha=0.5),
                "pinball_90": m.mean_pinball_loss(truths, said, alpha=0.9),
                "error_p05": low, "error_p50": middle, "error_p95": high,
                "abs_error_p90": np.quantile(sizes, 0.9),
                "abs_error_p99": np.quantile(sizes, 0.99),
                "over_share": (errors > 0).mean(), "under_share": (errors < 0).mean(),
                "pearson": stats.pearsonr(truths, said).statistic,
                "spearman": stats.spearmanr(truths, said).statistic,
                "kendall": stats.kendalltau(truths, said).statistic,
            },
        })
    return cases


def ranking(rng):
    groups, truths, scores = [], [], []
    for group in range(40):
        size = rng.integers(3, 20)
        true = rng.choice(4, size, p=(0.6, 0.2, 0.15, 0.05))
        if group == 0:
            true[:] = 0
        groups += [group] * size
        truths += true.tolist()
        # Few digits: some rows of a group have the same score.
        scores += (true * 0.5 + rng.normal(0, 1, size)).round(1).tolist()
    groups, truths, scores = np.array(groups), np.array(truths), np.array(scores)
    values = {}
    for k in (3, 10):
        rows = {name: [] for name in ("ndcg", "ndcg_exp", "precision", "recall", "hit_rate", "map", "mrr")}
        for group in range(40):
            true, score = truths[groups == group], scores[groups == group]
            rows["ndcg"].append(m.ndcg_score([true], [score], k=k))
            rows["ndcg_exp"].append(m.ndcg_score([2**true - 1], [score], k=k))
            hit = (true[np.argsort(-score, kind="stable")] > 0)[:k]
            rows["precision"].append(hit.sum() / k)
            if not (true > 0).any():
                continue
            places = np.flatnonzero(hit) + 1
            rows["recall"].append(hit.sum() / (true > 0).sum())
            rows["hit_rate"].append(float(hit.any()))
            rows["map"].append(
                (np.arange(1, len(places) + 1) / places).sum() / min(k, (true > 0).sum())
            )
            rows["mrr"].append(1 / places[0] if len(places) else 0.0)
        for name, each in rows.items():
            values[f"{name}@{k}"] = np.mean(each)
    return [{"groups": groups, "truths": truths, "scores": scores, "metrics": values}]


def plain(value):
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value


parts = [binary, multiclass, multilabel, regression, ranking]
print(json.dumps(plain({
    part.__name__: part(np.random.default_rng(seed)) for seed, part in enumerate(parts)
})))
