"""Writes references and current rows to Parquet files of a folder, and prints what Evidently's report says of them."""

import json
import sys
import warnings

warnings.filterwarnings("ignore")

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import ValueDrift
from evidently.presets import DataDriftPreset


def frame(rows, shift, seed):
    draw = np.random.default_rng(seed)
    words = np.array(["red", "green", "blue", "grey"])
    return pd.DataFrame(
        {
            "normal": draw.normal(shift * 0.3, 1, rows),
            "gappy": np.where(draw.random(rows) < 0.1, np.nan, draw.exponential(2, rows)),
            "infinite": np.where(draw.random(rows) < 0.02, np.inf, draw.normal(0, 1, rows)),
            "three": draw.integers(0, 3, rows).astype(float),
            "two": draw.integers(0, 2, rows).astype(float),
            "count": draw.integers(0, 8, rows) + shift * draw.integers(0, 2, rows),
            "bit": (draw.random(rows) < 0.3 + 0.1 * shift).astype("int64"),
            "wide": draw.integers(0, 5000, rows),
            "gappy_count": pd.array(
                np.where(draw.random(rows) < 0.1, None, draw.integers(0, 6, rows)), dtype="Int64"
            ),
            "flag": draw.random(rows) < 0.5,
            "colour": words[draw.integers(0, 3, rows)],
            "new_colour": words[draw.integers(0, 3 + shift, rows)],
            "yes": np.where(draw.random(rows) < 0.4, "y", "n"),
            "gappy_word": np.where(draw.random(rows) < 0.1, None, words[draw.integers(0, 3, rows)]),
            "cauchy": draw.standard_cauchy(rows),
            "same": np.full(rows, 3.5),
            "single": draw.normal(0, 1 + shift * 0.2, rows).astype("float32"),
        }
    )


# The kinds of columns that Evidently lets a method look at, less what it draws by chance.
NUMERIC = ["ks", "wasserstein", "psi", "jensenshannon", "kl_div", "hellinger", "anderson"]
NUMERIC += ["cramer_von_mises", "ed", "es", "mannw", "t_test"]
CATEGORICAL = ["chisquare", "psi", "jensenshannon", "kl_div", "hellinger"]
TWO = ["z", "fisher_exact", "g_test"]


def write(table, path):
    # Without what pandas notes beside the columns: a file has only their types.
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None), path)


def report(folder, rows, others, more):
    paths = [f"{folder}/reference-{rows}.parquet", f"{folder}/current-{rows}.parquet"]
    write(frame(rows, 0, 1), paths[0])
    write(frame(others, 1, 2), paths[1])
    reference, current = [
        Dataset.from_pandas(pd.read_parquet(path), data_definition=DataDefinition())
        for path in paths
    ]
    metrics = [DataDriftPreset(include_tests=False)]
    for columns, methods in more:
        metrics += [ValueDrift(column=each, method=method) for each in columns for method in methods]
    # Evidently resolves a method to its title: the order tells which was asked.
    asked = [None] * len(metrics[:1]) + [metric.method for metric in metrics[1:]]
    found = Report(metrics).run(current, reference).dict()["metrics"]
    drifts = [each for each in found if "column" in each["config"]]
    names = [None] * (len(drifts) - len(asked) + 1) + asked[1:]
    return {
        "share": next(each["value"]["share"] for each in found if "column" not in each["config"]),
        "drifts": [
            {"column": each["config"]["column"], "method": name, "score": float(each["value"])}
            for each, name in zip(drifts, names)
        ],
    }


folder = sys.argv[1]
BY_NAME = [
    # NumPy sums and bins single precision in single precision, which no other reader of the file would.
    (["normal", "gappy", "wide", "cauchy"], NUMERIC),
    (["colour", "new_colour", "flag"], CATEGORICAL),
    (["bit", "yes"], TWO),
]
print(
    json.dumps(
        {
            "small": report(folder, 800, 800, BY_NAME),
            "large": report(folder, 3000, 2500, []),
        }
    )
)
