"""Writes the same days of predictions as rows and as profiles of whylogs, the last two of them drifted."""
import sys
from datetime import datetime, timedelta, timezone

import numpy as np
import pandas as pd
import whylogs as why

folder = sys.argv[1]
random = np.random.default_rng(11)
START = datetime(2026, 1, 5, tzinfo=timezone.utc)
ROWS = 800


def rows_of(day, shift):
    frame = pd.DataFrame(
        {
            "request": [f"d{day}-{row}" for row in range(ROWS)],
            "amount": random.normal(20 + shift, 5, ROWS).round(2),
            "country": random.choice(["DE", "FR", "IT"], ROWS, p=[0.5, 0.3, 0.2]),
            "probability": (random.beta(2, 5, ROWS) + shift / 40).clip(0, 1).round(3),
        }
    )
    frame["at"] = [(START + timedelta(days=day, minutes=row)).isoformat() for row in range(ROWS)]
    return frame


def profiled(frame, at, name):
    profile = why.log(frame.drop(columns=["at", "request"])).profile()
    profile.set_dataset_timestamp(at)
    profile.view().write(f"{folder}/{name}.bin")


usual = pd.concat([rows_of(-3, 0), rows_of(-2, 0), rows_of(-1, 0)])
usual.to_csv(f"{folder}/usual.csv", index=False)
profiled(usual, START - timedelta(days=3), "usual")
for day in range(4):
    frame = rows_of(day, 12 if day >= 2 else 0)
    frame.to_csv(f"{folder}/day{day}.csv", index=False)
    profiled(frame, START + timedelta(days=day), f"day{day}")
