"""Real streams that drift, cut into windows. A window is a day to those who watch, whatever it was: all of them see
the same rows in the same order."""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

BEGIN = pd.Timestamp("2020-01-01", tz="UTC")


@dataclass
class Stream:
    name: str
    features: list
    # After each of them it is asked whether the model is to be trained anew; each is a list of windows.
    periods: list
    # The first model is trained on so many periods, later ones on as many of the newest; on all so far if `keeps`.
    first: int
    keeps: bool
    # Periods for which a new model is left alone.
    cooldown: int


def windowed(name, rows, size, most=None):
    """So many rows a window, in the order that they came; a window is a period."""
    rows = rows.replace([np.inf, -np.inf], np.nan)
    features = [c for c in rows.columns if c != "label"]
    rows["window"] = np.arange(len(rows)) // size
    inside = np.arange(len(rows)) % size
    # From six to six, so that each window is over before the next begins.
    rows["time"] = BEGIN + pd.to_timedelta(rows["window"], unit="D") + pd.to_timedelta(6 * 3600 + inside * (12 * 3600 / size), unit="s")
    windows = [part for _, part in rows.groupby("window") if len(part) == size][:most]
    return Stream(name, features, [[part] for part in windows], first=10, keeps=False, cooldown=4)


def wheel(folder, name):
    found = sorted(Path(folder).glob("scikit_multiflow-0.1.3*.whl"))
    rows = pd.read_csv(io.BytesIO(zipfile.ZipFile(found[0]).read(f"skmultiflow/data/datasets/{name}.csv")))
    return rows.rename(columns={"target": "label"}).astype({"label": int})


def electricity(wheels, _):
    """Whether electricity gets dearer in New South Wales, every half hour of two and a half years: a window is a fortnight."""
    return windowed("electricity", wheel(wheels, "elec"), 672)


def weather(wheels, _):
    """Whether it rains at an air base in Nebraska, every day of fifty years: a window is a year."""
    return windowed("weather", wheel(wheels, "weather"), 365)


def landed(folder, every):
    months = [pd.read_parquet(path) for path in sorted(Path(folder).glob("*.parquet"))]
    if not months:
        raise SystemExit(f"{folder} has no month of flights")
    rows = pd.concat(months).dropna(subset=["late"]).sort_values(["time_hour", "carrier", "flight"], kind="stable")
    rows["label"] = rows["late"].astype(int)
    return rows.iloc[::every].reset_index(drop=True)


FLIGHT = "hour distance temp dewp humid wind_dir wind_speed precip pressure visib".split()


def flights(_, folder):
    """Whether a flight from New York will be late, in 2013: every tenth one, a window is about a week."""
    return windowed("flights", landed(folder, 10)[[*FLIGHT, "label"]], 632)


def flight_months(_, folder):
    """The same year by month, as the example's data arrive: watched by the day (every sixth flight), trained anew at the end of a month on all so far."""
    rows = landed(folder, 6)
    rows["time"] = pd.to_datetime(rows["time_hour"], utc=True)
    # The last evening in New York is next year already.
    rows = rows[rows["time"].dt.year == 2013]
    rows["window"] = (rows["time"].dt.floor("D") - BEGIN).dt.days
    rows = rows[[*FLIGHT, "label", "window", "time"]]
    months = [[day for _, day in month.groupby("window")] for _, month in rows.groupby(rows["time"].dt.month)]
    return Stream("flight-months", FLIGHT, months, first=2, keeps=True, cooldown=1)


def packaged(name, label, drop):
    import nannyml

    folder = Path(nannyml.__file__).parent / "datasets" / "data"

    def read(part):
        path = next(folder.glob(f"{name}_{part}.*"))
        return pd.read_parquet(path) if path.suffix == ".pq" else pd.read_csv(path)

    now = read("analysis").merge(read("analysis_target"), on="id")
    rows = pd.concat([read("reference"), now]).reset_index(drop=True)
    rows["label"] = rows[label].astype(int)
    return rows.drop(columns=[c for c in [label, *drop] if c in rows])


def employment(*_):
    """Whether somebody in Massachusetts has work, by the census of 2015 to 2018: every fourth row, 46 windows."""
    rows = packaged("employment_MA", "employed", ["id", "timestamp", "predicted_probability", "prediction", "year"])
    return windowed("employment", rows.select_dtypes("number").iloc[::4].reset_index(drop=True), 1500)


def car_loan(*_):
    """Whether a loan for a car is paid back, as NannyML's tutorial made it: every second row, 50 windows."""
    rows = packaged("synthetic_car_loan", "repaid", ["id", "timestamp", "y_pred", "y_pred_proba", "period", "Unnamed: 0"])
    for column in rows.select_dtypes(exclude="number"):
        rows[column] = rows[column].astype("category").cat.codes
    return windowed("car-loan", rows.iloc[::2].reset_index(drop=True), 1000)


STREAMS = {
    "electricity": electricity,
    "weather": weather,
    "flights": flights,
    "flight-months": flight_months,
    "employment": employment,
    "car-loan": car_loan,
}
