"""Plays real streams window by window: a model answers, truths follow, and somebody says when it is trained anew.

    python policies.py WHEELS FLIGHTS SERVER STREAM POLICY

POLICY: never, schedule, orrery, evidently, nannyml. Prints one line of JSON: how good the answers were in each window
after the first training, and at which windows the model was trained anew.
"""

import io
import json
import os
import sys
import time
import urllib.request
import warnings
import zipfile
from pathlib import Path

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
os.environ["DO_NOT_TRACK"] = "1"
warnings.filterwarnings("ignore")

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import cross_val_predict

# A window is a day to those who watch, whatever it was: all of them see the same rows in the same order.
BEGIN = pd.Timestamp("2020-01-01", tz="UTC")
# A model is trained on so many windows, and after that is left alone for some.
TRAINED_ON = 10
COOLDOWN = 4


def wheel(folder, name, member):
    found = sorted(Path(folder).glob(f"{name}*.whl"))
    return io.BytesIO(zipfile.ZipFile(found[0]).read(member))


def electricity(wheels, _):
    rows = pd.read_csv(wheel(wheels, "scikit_multiflow-0.1.3", "skmultiflow/data/datasets/elec.csv"))
    label = rows.columns[-1]
    rows["label"] = (rows[label].astype(str).str.upper().isin(["UP", "1", "1.0"])).astype(int)
    return rows.drop(columns=[label]), 672


def weather(wheels, _):
    rows = pd.read_csv(wheel(wheels, "scikit_multiflow-0.1.3", "skmultiflow/data/datasets/weather.csv"))
    label = rows.columns[-1]
    rows["label"] = (rows[label] == rows[label].max()).astype(int)
    return rows.drop(columns=[label]), 365


def flights(_, folder):
    months = [pd.read_parquet(path) for path in sorted(Path(folder).glob("*.parquet"))]
    rows = pd.concat(months).dropna(subset=["late"]).sort_values("time_hour")
    rows["label"] = rows["late"].astype(int)
    known = [c for c in "hour distance temp dewp humid wind_dir wind_speed precip pressure visib".split() if c in rows]
    # A tenth of each week.
    rows = rows.iloc[::10]
    return rows[[*known, "label"]].reset_index(drop=True), 632


def packaged(name, label, drop):
    import nannyml

    folder = Path(nannyml.__file__).parent / "datasets" / "data"

    def read(part):
        path = next(folder.glob(f"{name}_{part}.*"))
        return pd.read_parquet(path) if path.suffix == ".pq" else pd.read_csv(path)

    now = read("analysis")
    truths = read("analysis_target")
    key = next((c for c in truths.columns if c != label and c in now.columns), None)
    now = now.merge(truths, on=key) if key else now.assign(**{label: truths[label].to_numpy()})
    rows = pd.concat([read("reference"), now]).reset_index(drop=True)
    rows["label"] = rows[label].astype(int)
    return rows.drop(columns=[c for c in [label, *drop] if c in rows])


def employment(*_):
    gone = ["id", "timestamp", "predicted_probability", "prediction", "year"]
    rows = packaged("employment_MA", "employed", gone)
    return rows.select_dtypes("number").iloc[::2].reset_index(drop=True), 1500


def car_loan(*_):
    gone = ["id", "timestamp", "y_pred", "y_pred_proba", "period", "Unnamed: 0"]
    rows = packaged("synthetic_car_loan", "repaid", gone)
    for column in rows.select_dtypes(exclude="number"):
        rows[column] = rows[column].astype("category").cat.codes
    return rows.iloc[::2].reset_index(drop=True), 1000


STREAMS = {"electricity": electricity, "weather": weather, "flights": flights, "employment": employment, "car-loan": car_loan}


def played(stream, policy, wheels, months, server):
    rows, size = STREAMS[stream](wheels, months)
    rows = rows.replace([np.inf, -np.inf], np.nan)
    features = [c for c in rows.columns if c != "label"]
    rows["window"] = np.arange(len(rows)) // size
    inside = np.arange(len(rows)) % size
    # Noon to evening, so that each window is over before the next begins.
    rows["time"] = BEGIN + pd.to_timedelta(rows["window"], unit="D") + pd.to_timedelta(6 * 3600 + inside * (12 * 3600 / size), unit="s")
    windows = [part for _, part in rows.groupby("window") if len(part) == size]
    watcher = WATCHERS[policy](stream, features, server)
    model, trained = train(windows[:TRAINED_ON], features, watcher)
    values, retrained = [], []
    last = TRAINED_ON - 1
    for at in range(TRAINED_ON, len(windows)):
        rows = windows[at].assign(score=model.predict_proba(windows[at][features])[:, 1])
        auc = roc_auc_score(rows["label"], rows["score"]) if rows["label"].nunique() > 1 else None
        values.append((auc, accuracy_score(rows["label"], rows["score"] >= 0.5)))
        asks = watcher.asks(at, rows, at - last)
        if asks and at - last >= COOLDOWN and at + 1 < len(windows):
            model, trained = train(windows[at + 1 - TRAINED_ON : at + 1], features, watcher)
            last = at
            retrained.append(at)
    aucs = [auc for auc, _ in values if auc is not None]
    return {
        "stream": stream,
        "policy": policy,
        "windows": len(values),
        "auc": float(np.mean(aucs)),
        "accuracy": float(np.mean([accuracy for _, accuracy in values])),
        "retrained": retrained,
    }


def train(windows, features, watcher):
    rows = pd.concat(windows)
    make = lambda: HistGradientBoostingClassifier(max_iter=60, random_state=7)
    # What the model would say of rows that it has not seen: what it says of its own is too good.
    score = cross_val_predict(make(), rows[features], rows["label"], cv=3, method="predict_proba")[:, 1]
    watcher.trained(rows.assign(score=score))
    return make().fit(rows[features], rows["label"]), len(rows)


class Never:
    def __init__(self, *_):
        pass

    def trained(self, rows):
        pass

    def asks(self, at, rows, age):
        return False


class Schedule(Never):
    """As often as it may."""

    def asks(self, at, rows, age):
        return True


class Evidently(Never):
    """Its preset for drift says that the data set has drifted."""

    def __init__(self, stream, features, _):
        self.columns = [*features, "score"]

    def trained(self, rows):
        self.reference = rows[self.columns].astype(float)

    def asks(self, at, rows, age):
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset

        definition = DataDefinition(numerical_columns=self.columns)
        now, before = (Dataset.from_pandas(part, data_definition=definition) for part in (rows[self.columns].astype(float), self.reference))
        for metric in Report([DataDriftPreset()]).run(now, before).dict()["metrics"]:
            config = metric.get("config", {})
            if config.get("type", "").endswith("DriftedColumnsCount"):
                return metric["value"]["share"] >= config.get("drift_share", 0.5)
        return False


class Nannyml(Never):
    """The ROC-AUC that it measures with the truths is out of its bounds."""

    def trained(self, rows):
        import nannyml as nml

        self.calculator = nml.PerformanceCalculator(
            y_pred="predicted", y_pred_proba="score", y_true="label", problem_type="classification_binary",
            metrics=["roc_auc"], timestamp_column_name="time", chunk_period="D",
        ).fit(self.with_class(rows))

    def with_class(self, rows):
        return rows.assign(predicted=(rows["score"] >= 0.5).astype(int), time=rows["time"].dt.tz_localize(None))

    def asks(self, at, rows, age):
        frame = self.calculator.calculate(self.with_class(rows)).filter(period="analysis").to_df()
        return bool(frame[("roc_auc", "alert")].iloc[-1])


class Orrery(Never):
    """An alert that is open: of drift, concept, or ROC-AUC under what windows of the training data give, less three deviations."""

    def __init__(self, stream, features, server):
        self.stream, self.features, self.server, self.version = stream, features, server, 0

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body, allow_nan=False).encode()
        request = urllib.request.Request(f"{self.server}/api/v1{path}", data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def trained(self, rows):
        self.version += 1
        self.endpoint = f"{self.stream}-{self.version}"
        aucs = [roc_auc_score(part["label"], part["score"]) for _, part in rows.groupby("window") if part["label"].nunique() > 1]
        begin, end = (BEGIN + pd.Timedelta(days=int(day)) for day in (rows["window"].min(), rows["window"].max() + 1))
        self.ask("POST", "/endpoints", {
            "name": self.endpoint, "elsewhere": True,
            "monitor": {
                "window": {"size": "1d"}, "settle": "1h",
                "reference": {"from": str(begin.date()), "to": str(end.date())},
                "performance": {"task": "binary", "metric": "roc_auc", "min": float(np.mean(aucs) - 3 * np.std(aucs))},
            },
        })
        self.tell(rows)
        self.after(end)

    def tell(self, rows):
        told = [
            {
                "id": f"{self.endpoint}-{index}", "time": row["time"].isoformat(), "modelVersion": self.endpoint,
                "inputs": {name: None if pd.isna(row[name]) else float(row[name]) for name in self.features},
                "outputs": {"score": float(row["score"])}, "label": int(row["label"]),
            }
            for index, row in rows.iterrows()
        ]
        for at in range(0, len(told), 2000):
            self.ask("POST", f"/predictions?endpoint={self.endpoint}", {"predictions": told[at : at + 2000]})

    def after(self, end):
        self.ask("POST", f"/endpoints/{self.endpoint}/watermark", {"time": int((end + pd.Timedelta(hours=2)).timestamp() * 1000)})

    def asks(self, at, rows, age):
        self.tell(rows)
        start = BEGIN + pd.Timedelta(days=at)
        self.after(start + pd.Timedelta(days=1))
        for _ in range(600):
            windows = self.ask("GET", f"/endpoints/{self.endpoint}/windows?limit=1")["windows"]
            if windows and pd.Timestamp(windows[0]["start"]) >= start and windows[0].get("performance") is not None:
                break
            time.sleep(0.05)
        else:
            raise RuntimeError(f"{self.endpoint}: the window {at} was not judged: {windows}")
        alerts = self.ask("GET", f"/alerts?endpoint={self.endpoint}&limit=100")["alerts"]
        return any(each["cleared"] is None and each["kind"] in ("drift", "concept", "performance") for each in alerts)


WATCHERS = {"never": Never, "schedule": Schedule, "orrery": Orrery, "evidently": Evidently, "nannyml": Nannyml}

if __name__ == "__main__":
    wheels, months, server, stream, policy = sys.argv[1:]
    print(json.dumps(played(stream, policy, wheels, months, server)))
