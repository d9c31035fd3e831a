"""Plays a real stream period by period: a model answers, truths follow, and somebody says when it is trained anew.

    python play.py WHEELS FLIGHTS SERVER STREAM TRIGGER,TRIGGER

Prints one line of JSON: for each trigger how good the answers were after the first training, when the model was trained
anew, and what as many trainings gain at other times.
"""

import json
import os
import sys
import warnings

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
os.environ["DO_NOT_TRACK"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
warnings.filterwarnings("ignore")

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from chance import at_best, by_chance, evenly, mean_auc
from sets import STREAMS
from triggers import TRIGGERS

# Those who watch are told of so many of the newest windows that a model was trained on.
REFERENCE = 30


def make():
    return HistGradientBoostingClassifier(max_iter=60, early_stopping=False, random_state=7)


class Models:
    """The model of each period, trained once whoever asks for it: all triggers get the same ones."""

    def __init__(self, stream):
        self.stream, self.fitted, self.references, self.area_of = stream, {}, {}, {}

    def rows(self, until):
        begin = 0 if self.stream.keeps else until + 1 - self.stream.first
        return pd.concat([window for period in self.stream.periods[begin : until + 1] for window in period])

    def model(self, until):
        if until not in self.fitted:
            rows = self.rows(until)
            self.fitted[until] = make().fit(rows[self.stream.features], rows["label"])
        return self.fitted[until]

    def reference(self, until):
        """With what the model would say of rows that it has not seen: what it says of its own is too good."""
        if until not in self.references:
            rows = self.rows(until)
            score = cross_val_predict(make(), rows[self.stream.features], rows["label"], cv=3, method="predict_proba")[:, 1]
            newest = rows["window"].drop_duplicates().iloc[-REFERENCE:]
            self.references[until] = rows.assign(score=score)[rows["window"].isin(newest)]
        return self.references[until]

    def answered(self, until, windows):
        return [rows.assign(score=self.model(until).predict_proba(rows[self.stream.features])[:, 1]) for rows in windows]

    def area(self, until, period):
        if (until, period) not in self.area_of:
            rows = pd.concat(self.answered(until, self.stream.periods[period]))
            self.area_of[until, period] = float(roc_auc_score(rows["label"], rows["score"]))
        return self.area_of[until, period]


def played(models, trigger):
    """When it had the model trained anew."""
    stream, last, times = models.stream, models.stream.first - 1, []
    trigger.trained(models.reference(last))
    for at in range(stream.first, len(stream.periods)):
        asks = trigger.asks(models.answered(last, stream.periods[at]))
        # What is trained after the last period answers nothing.
        if asks and at - last >= stream.cooldown and at + 1 < len(stream.periods):
            last = at
            times.append(at)
            trigger.trained(models.reference(last))
    return times


def told(areas, stream, name, times):
    auc = mean_auc(areas, stream.first, set(times))
    chance = by_chance(areas, stream, len(times))
    return {
        "trigger": name,
        "auc": auc,
        "retrained": times,
        "chance": float(np.mean(chance)),
        "chanceLow": chance[int(0.05 * len(chance))],
        "chanceHigh": chance[min(len(chance) - 1, int(0.95 * len(chance)))],
        "luckier": float(np.mean([each > auc for each in chance])),
        "evenly": evenly(areas, stream, len(times)),
        "best": at_best(areas, stream, len(times)),
    }


def main(wheels, months, server, name, triggers):
    stream = STREAMS[name](wheels, months)
    models = Models(stream)
    plays = []
    for each in triggers.split(","):
        trigger = TRIGGERS[each](stream, server)
        plays.append((each, played(models, trigger)))
        print(f"{name} {each}: {plays[-1][1]} {getattr(trigger, 'seen', '')}", file=sys.stderr, flush=True)
    periods = range(len(stream.periods))
    areas = [[models.area(model, period) if model < period and model >= stream.first - 1 else None for period in periods] for model in periods]
    rows = [told(areas, stream, each, times) for each, times in plays]
    print(json.dumps({"stream": name, "periods": len(stream.periods) - stream.first, "played": rows}))


if __name__ == "__main__":
    main(*sys.argv[1:])
