"""Makes streams of predictions into which one incident each was injected, and says what happened when and to which columns.

    python make.py FLIGHTS_FOLDER OUT [NAME ...]

For each stream a folder: reference.parquet (30 days that nothing happened in), stream.parquet (what was predicted, 60 days,
the incident from day 30 on) and incident.json. Rows are real flights of 2013, drawn by chance from the whole year so that
nothing drifts by itself; the model is trained on rows that no stream has; truth is what happened to the flight.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

NUMBERS = ["hour", "distance", "temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"]
CATEGORIES = ["carrier", "origin"]
FEATURES = NUMBERS + CATEGORIES
PER_DAY = 1000
REFERENCE_DAYS = 30
DAYS = 60
ONSET = 30
BEGIN = pd.Timestamp("2025-01-06", tz="UTC")  # A Monday.


def pool(folder):
    months = [pd.read_parquet(path) for path in sorted(Path(folder).glob("*.parquet"))]
    rows = pd.concat(months, ignore_index=True).dropna(subset=["late"])
    rows = rows[FEATURES + ["late"]].copy()
    for column in NUMBERS:
        rows[column] = rows[column].astype("float64")
    for column in CATEGORIES:
        rows[column] = rows[column].astype(object)
    rows["late"] = rows["late"].astype(int)
    return rows


def trained(rows):
    encode = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), CATEGORIES), remainder="passthrough"
    )
    model = make_pipeline(encode, HistGradientBoostingClassifier(random_state=7))
    model.fit(rows[FEATURES], rows["late"])
    return model


def drawn(rows, days, rng):
    """PER_DAY rows a day, spread over its minutes."""
    taken = rows.iloc[rng.choice(len(rows), days * PER_DAY, replace=False)].reset_index(drop=True)
    taken["day"] = np.repeat(np.arange(days), PER_DAY)
    within = np.sort(rng.integers(0, 86_400_000, (days, PER_DAY)), axis=1).ravel()
    taken["time"] = BEGIN + pd.to_timedelta(taken["day"], unit="D") + pd.to_timedelta(within, unit="ms")
    taken["arrival"] = taken["time"]
    return taken


def weekly(rows, days, rng):
    """Weekends fly other routes at other hours; they always did."""
    week, end = rows, rows[(rows["distance"] > 1000) & (rows["hour"] < 17)]
    first = drawn(week, days, rng)
    other = drawn(end, 1, np.random.default_rng(1)).iloc[:0]
    del other
    for day in range(days):
        if (BEGIN + pd.Timedelta(days=day)).weekday() >= 5:
            at = first.index[first["day"] == day]
            first.loc[at, FEATURES + ["late"]] = end.iloc[rng.choice(len(end), len(at))][FEATURES + ["late"]].to_numpy()
    for column in NUMBERS:
        first[column] = first[column].astype("float64")
    first["late"] = first["late"].astype(int)
    return first


def since(rows, day=ONSET, until=DAYS):
    return rows.index[(rows["day"] >= day) & (rows["day"] < until)]


def chance(rows, at, share, rng):
    return at[rng.random(len(at)) < share]


def slowly(rows, rng, over=20):
    """Rows of an incident that grows from nothing to everything."""
    share = ((rows["day"] - ONSET + 1) / over).clip(0, 1)
    return rows.index[(rng.random(len(rows)) < share) & (rows["day"] >= ONSET)]


def scaled(column, by, plus=0.0):
    def injure(rows, rng, spare):
        at = since(rows)
        rows.loc[at, column] = rows.loc[at, column] * by + plus

    return injure


def scaled_at_one(column, by, origin):
    def injure(rows, rng, spare):
        at = since(rows)
        at = at[rows.loc[at, "origin"] == origin]
        rows.loc[at, column] = rows.loc[at, column] * by

    return injure


def stuck(column, origin=None):
    def injure(rows, rng, spare):
        at = since(rows)
        last = rows.loc[rows["day"] < ONSET, column].dropna().iloc[-1]
        if origin is not None:
            at = at[rows.loc[at, "origin"] == origin]
        rows.loc[at, column] = last

    return injure


def replaced(column, share, by, only=None):
    def injure(rows, rng, spare):
        at = since(rows)
        if only is not None:
            at = at[rows.loc[at, column] == only]
        at = chance(rows, at, share, rng)
        rows.loc[at, column] = by

    return injure


def vanished(column, value):
    def injure(rows, rng, spare):
        at = since(rows)
        at = at[rows.loc[at, column] == value]
        refill(rows, at, spare[spare[column] != value], rng)

    return injure


def refill(rows, at, source, rng):
    taken = source.iloc[rng.choice(len(source), len(at))]
    for column in FEATURES + ["late"]:
        rows.loc[at, column] = taken[column].to_numpy()


def noisy(column, times):
    def injure(rows, rng, spare):
        at = since(rows)
        rows.loc[at, column] += rng.normal(0, times * rows[column].std(), len(at))

    return injure


def late_partition(rows, rng, spare):
    """One airport's rows of three days come three days late, all at once."""
    at = since(rows, ONSET, ONSET + 3)
    at = at[rows.loc[at, "origin"] == "LGA"]
    rows.loc[at, "arrival"] = BEGIN + pd.Timedelta(days=ONSET + 6)


def late_labels(rows, rng, spare):
    rows.loc[since(rows), "label_days"] = 40


def exploded(rows, rng, spare):
    """A join by a key that is no longer unique: a fifth of the rows five times."""
    at = chance(rows, since(rows), 0.2, rng)
    copies = pd.concat([rows.loc[at]] * 4)
    return pd.concat([rows, copies]).sort_values("time", kind="stable").reset_index(drop=True)


def misjoined(rows, rng, spare):
    """The weather of another hour: each column looks as ever, together they make no sense."""
    at = since(rows)
    weather = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"]
    for column in weather:
        rows.loc[at, column] = rng.permutation(rows.loc[at, column].to_numpy())


def turned(rows, at):
    rows.loc[at, "late"] = 1 - rows.loc[at, "late"]


def concept_sudden(rows, rng, spare):
    at = since(rows)
    turned(rows, at[(rows.loc[at, "origin"] == "JFK") | (rows.loc[at, "hour"] < 9)])


def concept_gradual(rows, rng, spare):
    at = slowly(rows, rng)
    turned(rows, at[(rows.loc[at, "hour"] >= 15)])


def concept_recurring(rows, rng, spare):
    at = since(rows)
    at = at[((rows.loc[at, "day"] - ONSET) // 7) % 2 == 0]
    turned(rows, chance(rows, at, 0.5, rng))


def concept_in_a_slice(rows, rng, spare):
    at = since(rows)
    turned(rows, at[(rows.loc[at, "carrier"] == "EV")])


def towards(condition, share, gradual):
    def injure(rows, rng, spare):
        at = slowly(rows, rng) if gradual else since(rows)
        refill(rows, chance(rows, at, share, rng), spare[condition(spare)], rng)

    return injure


def prior(rows, rng, spare):
    at = chance(rows, since(rows), 0.35, rng)
    refill(rows, at, spare[spare["late"] == 1], rng)


def gone(column):
    def injure(rows, rng, spare):
        rows.loc[since(rows), column] = np.nan
        rows.attrs["gone"] = column

    return injure


def retyped(column):
    def injure(rows, rng, spare):
        rows.attrs["retyped"] = column

    return injure


def outliers(column, share, times):
    def injure(rows, rng, spare):
        at = chance(rows, since(rows), share, rng)
        rows.loc[at, column] = rows.loc[at, column].abs() * times + times

    return injure


def infinite(rows, rng, spare):
    rows.loc[chance(rows, since(rows), 0.1, rng), "precip"] = np.inf


def holiday(rows, rng, spare):
    at = since(rows, ONSET, ONSET + 1)
    refill(rows, at, spare[(spare["hour"] < 12) & (spare["distance"] > 1500)], rng)


def nothing(rows, rng, spare):
    pass


# name: (what it is, which columns are the cause, does it want an alarm, how, which base)
INCIDENTS = {
    "unit-temp-celsius": ("unit change: °F to °C", ["temp"], scaled("temp", 5 / 9, -160 / 9)),
    "unit-distance-km": ("unit change: miles to km", ["distance"], scaled("distance", 1.609344)),
    "unit-pressure-inhg": ("unit change: mbar to inHg", ["pressure"], scaled("pressure", 0.02953)),
    "unit-wind-one-origin": ("unit change at one airport: mph to m/s", ["wind_speed"], scaled_at_one("wind_speed", 0.44704, "JFK")),
    "stuck-humid": ("stuck sensor", ["humid"], stuck("humid")),
    "stuck-humid-one-origin": ("stuck sensor at one airport", ["humid"], stuck("humid", "JFK")),
    "stuck-wind-dir": ("stuck sensor", ["wind_dir"], stuck("wind_dir")),
    "new-category": ("new category, 15 % of rows", ["carrier"], replaced("carrier", 0.15, "ZZ")),
    "renamed-category": ("category renamed", ["origin"], replaced("origin", 1.0, "Newark", only="EWR")),
    "vanished-category": ("category vanishes", ["carrier"], vanished("carrier", "UA")),
    "nulls-some": ("30 % of values missing", ["temp"], replaced("temp", 0.3, np.nan)),
    "nulls-all": ("all values missing", ["dewp"], replaced("dewp", 1.0, np.nan)),
    "offset": ("sensor offset, half a standard deviation", ["temp"], scaled("temp", 1.0, 9.0)),
    "noise": ("sensor noise, two standard deviations", ["pressure"], noisy("pressure", 2)),
    "outliers": ("5 % of values a thousand times too large", ["wind_speed"], outliers("wind_speed", 0.05, 1000)),
    "infinities": ("10 % of values infinite", ["precip"], infinite),
    "late-partition": ("rows of one airport three days late", ["origin"], late_partition),
    "late-labels": ("labels do not come any more", ["label"], late_labels),
    "join-explosion": ("a fifth of the rows five times", ["rows"], exploded),
    "join-wrong": ("weather joined by the wrong key", ["weather"], misjoined),
    "column-gone": ("column vanishes", ["wind_speed"], gone("wind_speed")),
    "type-changed": ("numbers become text", ["distance"], retyped("distance")),
    "concept-sudden": ("truth turns over in a part of the rows", ["concept"], concept_sudden),
    "concept-gradual": ("the same, growing over 20 days", ["concept"], concept_gradual),
    "concept-recurring": ("truth turns over in every other week", ["concept"], concept_recurring),
    "concept-slice": ("truth turns over for one carrier", ["concept"], concept_in_a_slice),
    "mix-sudden": ("more long routes, at once", ["distance"], towards(lambda rows: rows["distance"] > 1500, 0.4, False)),
    "mix-gradual": ("more evening flights, over 20 days", ["hour"], towards(lambda rows: rows["hour"] >= 18, 0.5, True)),
    "prior": ("many more flights are late", ["prior"], prior),
    "seasonal": ("weekends differ, as they always did", [], nothing),
    "holiday": ("one odd day", [], holiday),
    "calm": ("nothing happens for a year", [], nothing),
}

LONG = {"calm": 365}
WEEKLY = {"seasonal"}


def stream(name, rows, model):
    what, causes, injure = INCIDENTS[name]
    days = LONG.get(name, DAYS)
    rng = np.random.default_rng(list(INCIDENTS).index(name) + 100)
    base = weekly if name in WEEKLY else drawn
    half = len(rows) // 5
    reference = base(rows.iloc[:half], REFERENCE_DAYS, rng)
    reference["time"] -= pd.Timedelta(days=REFERENCE_DAYS)
    # A year of a thousand rows a day is more than there are flights that no one has seen: days of it draw anew.
    source = rows.iloc[half:]
    if days * PER_DAY > len(source):
        source = pd.concat([source, source], ignore_index=True)
    live = base(source, days, rng)
    live["label_days"] = 1
    live = injured(live, injure, rng, rows.iloc[:half])
    for each in (reference, live):
        each["score"] = model.predict_proba(each[FEATURES].replace([np.inf, -np.inf], np.nan))[:, 1].round(6)
    return reference, live, {"name": name, "what": what, "causes": causes, "onsetDay": ONSET, "days": days, "begin": BEGIN.isoformat()}


def injured(live, injure, rng, spare):
    found = injure(live, rng, spare)
    attrs = dict(live.attrs)
    live = live if found is None else found
    live.attrs.update(attrs)
    return live.reset_index(drop=True)


def main(folder, out, *names):
    rows = pool(folder)
    rows = rows.iloc[np.random.default_rng(0).permutation(len(rows))].reset_index(drop=True)
    learn, rest = rows.iloc[:40_000], rows.iloc[40_000:].reset_index(drop=True)
    model = trained(learn)
    for name in names or INCIDENTS:
        reference, live, told = stream(name, rest, model)
        told.update({key: live.attrs[key] for key in ("gone", "retyped") if key in live.attrs})
        to = Path(out) / name
        to.mkdir(parents=True, exist_ok=True)
        live.insert(0, "id", [f"{name}-{number}" for number in range(len(live))])
        reference.drop(columns=["day", "arrival"]).to_parquet(to / "reference.parquet")
        live.attrs = {}
        live.to_parquet(to / "stream.parquet")
        (to / "incident.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
