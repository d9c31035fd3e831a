"""Who says when a model is trained anew. `trained` is told of what a model was trained on, with what it would say of rows
that it has not seen; `asks` of the windows since it was asked last."""

import json
import time
import urllib.request

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from sets import BEGIN


class Never:
    def __init__(self, stream, server):
        self.stream, self.features, self.server = stream.name, stream.features, server

    def trained(self, rows):
        pass

    def asks(self, windows):
        return False


class Schedule(Never):
    """As often as it may."""

    def asks(self, windows):
        return True


class Evidently(Never):
    """Its preset for drift says that the data set has drifted: half of the columns, of which the score is one."""

    def trained(self, rows):
        self.columns = [*self.features, "score"]
        self.reference = rows[self.columns].astype(float)

    def asks(self, windows):
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset

        definition = DataDefinition(numerical_columns=self.columns)
        rows = pd.concat(windows)[self.columns].astype(float)
        now, before = (Dataset.from_pandas(part, data_definition=definition) for part in (rows, self.reference))
        for metric in Report([DataDriftPreset()]).run(now, before).dict()["metrics"]:
            config = metric.get("config", {})
            if config.get("type", "").endswith("DriftedColumnsCount"):
                return metric["value"]["share"] >= config.get("drift_share", 0.5)
        raise RuntimeError("Evidently did not count the columns that drifted")


class Nannyml(Never):
    """The ROC-AUC that it measures with the truths is under its lower bound."""

    def trained(self, rows):
        import nannyml as nml

        self.calculator = nml.PerformanceCalculator(
            y_pred="predicted", y_pred_proba="score", y_true="label", problem_type="classification_binary",
            metrics=["roc_auc"], timestamp_column_name="time", chunk_period="D",
        ).fit(self.with_class(rows))

    def with_class(self, rows):
        return rows.assign(predicted=(rows["score"] >= 0.5).astype(int), time=rows["time"].dt.tz_localize(None))

    def asks(self, windows):
        frame = self.calculator.calculate(self.with_class(pd.concat(windows))).filter(period="analysis").to_df()["roc_auc"]
        return bool((frame["alert"] & (frame["value"] < frame["lower_threshold"])).any())


class Orrery(Never):
    """`on: [drift: ENDPOINT, alert: { endpoint: ENDPOINT, kind: concept }]`: such an alert is open, or was since it was asked last."""

    suffix = ""

    def __init__(self, stream, server):
        super().__init__(stream, server)
        self.version = 0
        self.seen = []

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body, allow_nan=False).encode()
        request = urllib.request.Request(f"{self.server}/api/v1{path}", data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)

    def sets_off(self, alert):
        return (alert["kind"] == "drift" and alert["subject"] == "") or alert["kind"] in ("concept", "performance")

    def said_of_performance(self, rows):
        return {}

    def trained(self, rows):
        """An endpoint for each version: what it is compared with is the time that it was trained on."""
        self.version += 1
        self.endpoint = f"{self.stream}{self.suffix}-{self.version}"
        begin, end = (BEGIN + pd.Timedelta(days=int(day)) for day in (rows["window"].min(), rows["window"].max() + 1))
        self.ask("POST", "/endpoints", {
            "name": self.endpoint, "elsewhere": True,
            "monitor": {
                "window": {"size": "1d"}, "settle": "1h",
                "reference": {"from": str(begin.date()), "to": str(end.date())},
                **self.said_of_performance(rows),
            },
        })
        self.tell([rows])
        self.judged(end - pd.Timedelta(days=1))

    def tell(self, windows):
        rows = pd.concat(windows)
        inputs = rows[self.features].astype(object).where(rows[self.features].notna(), None).to_dict("records")
        facts = zip(rows.index, rows["time"], inputs, rows["score"], rows["label"])
        told = [
            {
                "id": f"{self.endpoint}-{index}", "time": at.isoformat(), "modelVersion": self.endpoint,
                "inputs": inputs, "outputs": {"score": float(score)}, "label": int(label),
            }
            for index, at, inputs, score, label in facts
        ]
        for at in range(0, len(told), 2000):
            self.ask("POST", f"/predictions?endpoint={self.endpoint}", {"predictions": told[at : at + 2000]})

    def judged(self, start):
        """Says that the window which begins then is over and its truths are known, and waits until it was judged."""
        later = start + pd.Timedelta(days=1, hours=2)
        self.ask("POST", f"/endpoints/{self.endpoint}/watermark", {"time": int(later.timestamp() * 1000)})
        patience = time.monotonic() + 300
        while time.monotonic() < patience:
            windows = self.ask("GET", f"/endpoints/{self.endpoint}/windows?limit=1")["windows"]
            if windows and pd.Timestamp(windows[0]["start"]) >= start and windows[0].get("performance") is not None:
                return
            time.sleep(0.1)
        raise RuntimeError(f"{self.endpoint}: the window of {start} was not judged: {windows}")

    def asks(self, windows):
        self.tell(windows)
        begin, end = (BEGIN + pd.Timedelta(days=int(part["window"].iloc[0])) for part in (windows[0], windows[-1]))
        self.judged(end)
        alerts = self.ask("GET", f"/alerts?endpoint={self.endpoint}&limit=100")["alerts"]
        held = [each for each in alerts if each["cleared"] is None or pd.Timestamp(each["clearedWindow"]) >= begin]
        self.seen.append([f"{each['kind']} {each['subject']}".strip() for each in held])
        return any(map(self.sets_off, held))


class OrreryBounded(Orrery):
    """And `performance: ENDPOINT`, with the bound that NannyML takes by itself: three deviations under the mean of the windows of the reference."""

    suffix = "-bounded"

    def said_of_performance(self, rows):
        aucs = [roc_auc_score(part["label"], part["score"]) for _, part in rows.groupby("window") if part["label"].nunique() > 1]
        least = float(np.mean(aucs) - 3 * np.std(aucs))
        return {"performance": {"task": "binary", "metric": "roc_auc", "min": least}}


class OrreryAny(Orrery):
    """`alert: ENDPOINT`: any alert of its data or its answers, of a single column too."""

    suffix = "-any"

    def sets_off(self, alert):
        return alert["kind"] in ("drift", "concept", "performance", "multivariate", "quality")


TRIGGERS = {
    "never": Never,
    "schedule": Schedule,
    "orrery": Orrery,
    "orrery-bounded": OrreryBounded,
    "orrery-any": OrreryAny,
    "nannyml": Nannyml,
    "evidently": Evidently,
}
