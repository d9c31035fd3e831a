"""Looks at a stream of make.py day by day with Evidently and with NannyML, as their manuals start, and prints the days that alarm.

    python peers.py evidently|nannyml STREAM_FOLDER [FROM_DAY TO_DAY]

Prints one line of JSON: {"days": {"30": ["temp", …]}, "seconds": CPU}: for each day with an alarm its columns, the
worst first. What a tool can not look at is an alarm of the column "error".
"""

import json
import os
import sys
import time
import warnings
from pathlib import Path

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
os.environ["DO_NOT_TRACK"] = "1"
warnings.filterwarnings("ignore")

import numpy as np
import pandas as pd

# Of the streams of make.py, which do not say it.
NUMBERS = ["hour", "distance", "temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"]
CATEGORIES = ["carrier", "origin"]


def columns_of(told):
    return [*told.get("numbers", NUMBERS), "score"], told.get("categories", CATEGORIES), told.get("truth", "late")


def loaded(folder, first=0, end=10**6):
    told = json.loads((Path(folder) / "incident.json").read_text())
    reference = pd.read_parquet(Path(folder) / "reference.parquet")
    live = pd.read_parquet(Path(folder) / "stream.parquet")
    begin = pd.Timestamp(told["begin"])
    # A day is looked at when it is over: what has not arrived by then is not seen.
    seen = live[live["arrival"] < begin + pd.to_timedelta(live["day"] + 1, unit="D")]
    return told, reference, seen[(seen["day"] >= int(first)) & (seen["day"] < int(end))]


def injured(rows, told, day):
    """What a table can't hold beside the days before: a column that is gone, or of another type."""
    rows = rows.drop(columns=[told["gone"]]) if "gone" in told and day >= told["onsetDay"] else rows
    if "retyped" in told and day >= told["onsetDay"]:
        rows = rows.assign(**{told["retyped"]: rows[told["retyped"]].map(str)})
    return rows


def evidently(told, reference, live):
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    numbers, categories, truth = columns_of(told)
    columns = [*numbers, *categories, truth]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=[*categories, truth])
    before = Dataset.from_pandas(reference[columns], data_definition=definition)
    days = {}
    for day, rows in live.groupby("day"):
        try:
            rows = injured(rows, told, day)
            have = [column for column in columns if column in rows]
            lacks = DataDefinition(
                numerical_columns=[each for each in numbers if each in have],
                categorical_columns=[each for each in [*categories, truth] if each in have],
            )
            now = Dataset.from_pandas(rows[have], data_definition=lacks)
            found = Report([DataDriftPreset()]).run(now, before).dict()
            drifted = drifts(found)
            if drifted["columns"]:
                days[int(day)] = drifted["columns"]
            if drifted["dataset"]:
                days.setdefault("dataset", []).append(int(day))
        except Exception as error:
            days[int(day)] = ["error", type(error).__name__, str(error)[:80]]
    return days


def drifts(found):
    columns, dataset = [], False
    for metric in found["metrics"]:
        config = metric.get("config", {})
        kind = config.get("type", "")
        if kind.endswith("DriftedColumnsCount"):
            dataset = metric["value"]["share"] >= config.get("drift_share", 0.5)
        elif kind.endswith("ValueDrift"):
            value, threshold, method = float(metric["value"]), config["threshold"], config["method"]
            isP = "p_value" in method
            if (value < threshold) if isP else (value >= threshold):
                columns.append((threshold / max(value, 1e-300) if isP else value / threshold, config["column"]))
    return {"columns": [column for _, column in sorted(columns, reverse=True)], "dataset": dataset}


def nannyml(told, reference, live):
    import nannyml as nml

    live = live.assign(predicted=(live["score"] >= 0.5).astype(int))
    reference = reference.assign(predicted=(reference["score"] >= 0.5).astype(int))
    time_of = {"timestamp_column_name": "time", "chunk_period": "D"}
    days = {}

    def note(chunks, column, order):
        for chunk in chunks:
            days.setdefault(chunk, []).append((order, column))

    numbers, categories, truth = columns_of(told)
    features = [column for column in [*numbers, *categories] if column != told.get("gone") and column != told.get("retyped")]
    attempts = [
        (nml.UnivariateDriftCalculator(column_names=features, **time_of), features, "jensen_shannon"),
        (nml.MissingValuesCalculator(column_names=features, **time_of), features, None),
    ]
    known = [column for column in categories if column in features]
    if known:
        attempts.append((nml.UnseenValuesCalculator(column_names=known, **time_of), known, None))
    for calculator, columns, method in attempts:
        frame = calculator.fit(reference).calculate(live).to_df()
        starts = frame[("chunk", "start_date") if ("chunk", "start_date") in frame else ("chunk", "chunk", "start_date")]
        dayOf = ((pd.to_datetime(starts, utc=True).dt.normalize() - pd.Timestamp(told["begin"])).dt.days).tolist()
        for column in columns:
            part = frame[column][method] if method else frame[column]
            over = part["alert"].to_numpy()
            far = np.abs(part["value"] - (part["upper_threshold"].fillna(0)))
            for index, alarmed in enumerate(over):
                if alarmed:
                    note([int(dayOf[index])], column, -float(far.iloc[index]))
    probability = {"y_pred": "predicted", "y_pred_proba": "score", "y_true": truth, "problem_type": "classification_binary", "metrics": ["roc_auc"], **time_of}
    for calculator, run in ((nml.CBPE(**probability), "estimate"), (nml.PerformanceCalculator(**probability), "calculate")):
        known = live
        frame = getattr(calculator.fit(reference), run)(known).to_df()
        starts = pd.to_datetime(frame[("chunk", "start_date")], utc=True).dt.normalize()
        dayOf = (starts - pd.Timestamp(told["begin"])).dt.days.tolist()
        for index, alarmed in enumerate(frame[("roc_auc", "alert")].to_numpy()):
            if alarmed and frame[("chunk", "period")].iloc[index] == "analysis":
                note([int(dayOf[index])], "concept" if run == "calculate" else "estimate", 1.0)
    return {day: [column for _, column in sorted(found)] for day, found in sorted(days.items()) if day >= 0}


def main(tool, folder, *span):
    told, reference, live = loaded(folder, *span)
    began = time.process_time()
    days = {"evidently": evidently, "nannyml": nannyml}[tool](told, reference, live)
    print(json.dumps({"days": days, "seconds": time.process_time() - began}))


if __name__ == "__main__":
    main(*sys.argv[1:])
