"""Makes a set of streams that nobody chose: what breaks in which column, how much, since when and for whom is drawn by a seed.

    python drawn.py FLIGHTS_FOLDER WHEELS OUT SEED [NAME ...]

As make.py does, with other data as well: electricity prices and weather of scikit-multiflow 0.1.3, whose wheel lies in WHEELS.
Drawn for each stream: the column, the factor, the category, the share, the day of the onset, how long the reference is, how
many rows a day has, how much less a weekend brings. Only the list of kinds below, with the ranges that it draws from, was written by
a person. Rows are drawn by chance, so that nothing drifts by itself; the model has seen none of them.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

sys.path.insert(0, str(Path(__file__).parent.parent / "streams"))
from sets import wheel  # noqa: E402

LIVE_DAYS = 28  # after the onset
CALM_DAYS = {"flights": 150, "electricity": 100, "weather": 100}

FAHRENHEIT = [("°F to °C", 5 / 9, -160 / 9), ("°F to K", 5 / 9, 459.67 * 5 / 9)]
MILES = [("miles to km", 1.609344, 0.0), ("miles to metres", 1609.344, 0.0)]
PRESSURE = [("mbar to inHg", 0.02953, 0.0), ("mbar to kPa", 0.1, 0.0)]
KNOTS = [("knots to m/s", 0.514444, 0.0), ("knots to km/h", 1.852, 0.0)]
THOUSANDS = [("thousand times", 1000.0, 0.0), ("a hundredth", 0.01, 0.0)]


@dataclass
class Data:
    name: str
    rows: pd.DataFrame
    numbers: list
    categories: list
    units: dict  # of a column: what it could be told in by mistake
    joined: list  # what came from another table
    per_day: int

    @property
    def features(self):
        return self.numbers + self.categories


def flights(folder, _):
    months = [pd.read_parquet(path) for path in sorted(Path(folder).glob("*.parquet"))]
    rows = pd.concat(months, ignore_index=True).dropna(subset=["late"])
    numbers = "hour minute weekday distance sched_arr_time temp humid wind_speed pressure visib".split()
    categories = ["carrier", "origin", "dest"]
    rows = rows[numbers + categories + ["late"]].rename(columns={"late": "label"})
    units = {
        "distance": MILES,
        "temp": FAHRENHEIT,
        "wind_speed": [("mph to m/s", 0.44704, 0.0), ("mph to km/h", 1.609344, 0.0)],
        "pressure": PRESSURE,
        "visib": MILES,
        "humid": [("percent to shares", 0.01, 0.0)],
    }
    return Data("flights", rows, numbers, categories, units, ["temp", "humid", "wind_speed", "pressure", "visib"], 600)


def electricity(_, wheels):
    rows = wheel(wheels, "elec")
    numbers = ["period", "price", "demand", "vic_price", "vic_demand", "transfer"]
    rows.columns = [*numbers, "label"]
    units = {column: THOUSANDS for column in numbers[1:]}
    return Data("electricity", rows, numbers, [], units, ["vic_price", "vic_demand", "transfer"], 350)


def weather(_, wheels):
    rows = wheel(wheels, "weather")
    numbers = ["temp", "dewp", "pressure", "visib", "wind", "gust", "temp_max", "temp_min"]
    rows.columns = [*numbers, "label"]
    units = {**{each: FAHRENHEIT for each in ["temp", "dewp", "temp_max", "temp_min"]}, "pressure": PRESSURE, "visib": MILES, "wind": KNOTS, "gust": KNOTS}
    return Data("weather", rows, numbers, [], units, ["temp", "dewp", "pressure", "visib"], 200)


DATA = {"flights": flights, "electricity": electricity, "weather": weather}


def since(rows, first, days=10**6):
    return rows.index[(rows["day"] >= first) & (rows["day"] < first + days)]


def some(at, share, rng):
    return at[rng.random(len(at)) < share]


def grown(rows, onset, over, rng):
    """Rows of what grows from nothing to everything."""
    return rows.index[(rng.random(len(rows)) < ((rows["day"] - onset + 1) / over).clip(0, 1)) & (rows["day"] >= onset)]


def refill(rows, at, source, rng):
    taken = source.iloc[rng.choice(len(source), len(at))]
    for column in source.columns:
        rows.loc[at, column] = taken[column].to_numpy()


def one_of(values, rng):
    return values[int(rng.integers(len(values)))]


def category(data, rng, most=5, columns=None):
    """A column of categories, and one of its most frequent."""
    column = one_of(columns or data.categories, rng)
    return column, one_of(data.rows[column].value_counts().index[:most].tolist(), rng)


def outer(data, rng, share):
    """Rows at one end of a column, and what goes with that column."""
    column = one_of([each for each in data.numbers if data.rows[each].nunique() > 20], rng)
    values = data.rows[column]
    high = rng.random() < 0.5
    edge = values.quantile(1 - share if high else share)
    alike = data.rows[data.numbers].corr("spearman")[column].abs()
    return {
        "columns": [column, *(each for each in data.numbers if each != column and alike[each] > 0.6)],
        "what": f"{column} {'above' if high else 'below'} {edge:.4g}",
        "holds": lambda rows: rows[column] >= edge if high else rows[column] <= edge,
    }


# Each kind draws what it does: (what it is, which columns are the cause, what it does to the rows).


def unit(data, rng, onset):
    column = one_of(list(data.units), rng)
    what, by, plus = one_of(data.units[column], rng)

    def injure(rows, spare):
        at = since(rows, onset)
        rows.loc[at, column] = rows.loc[at, column] * by + plus

    return f"unit of {column} changes: {what}", [column], injure


def unit_in_part(data, rng, onset):
    column = one_of(list(data.units), rng)
    what, by, plus = one_of(data.units[column], rng)
    part, value = category(data, rng, 3, ["carrier", "origin"])

    def injure(rows, spare):
        at = since(rows, onset)
        at = at[rows.loc[at, part] == value]
        rows.loc[at, column] = rows.loc[at, column] * by + plus

    return f"unit of {column} changes where {part} = {value}: {what}", [column], injure


def stuck(data, rng, onset, part=None):
    column = one_of(data.numbers, rng)
    value = None if part is None else category(data, rng, 3, [part])[1]

    def injure(rows, spare):
        at = since(rows, onset)
        if part is not None:
            at = at[rows.loc[at, part] == value]
        rows.loc[at, column] = rows.loc[rows["day"] < onset, column].dropna().iloc[-1]

    return f"{column} is stuck" + ("" if part is None else f" where {part} = {value}"), [column], injure


def stuck_in_part(data, rng, onset):
    return stuck(data, rng, onset, "origin")


def replaced(what, choose, share, by):
    def kind(data, rng, onset):
        column, only = choose(data, rng)
        of = rng.uniform(*share)

        def injure(rows, spare):
            at = since(rows, onset)
            at = at if only is None else at[rows.loc[at, column] == only]
            rows.loc[some(at, of, rng), column] = by

        return what.format(column=column, only=only, share=f"{of:.0%}"), [column], injure

    return kind


def any_number(data, rng):
    return one_of(data.numbers, rng), None


def any_categories(data, rng):
    return one_of(data.categories, rng), None


def vanished(data, rng, onset):
    column, value = category(data, rng)

    def injure(rows, spare):
        at = since(rows, onset)
        refill(rows, at[rows.loc[at, column] == value], spare[spare[column] != value], rng)

    return f"{value} vanishes from {column}", [column], injure


def offset(data, rng, onset):
    column = one_of(data.numbers, rng)
    by = rng.uniform(0.4, 1.0) * one_of([-1, 1], rng)

    def injure(rows, spare):
        rows.loc[since(rows, onset), column] += by * data.rows[column].std()

    return f"{column} is off by {by:.2f} standard deviations", [column], injure


def noise(data, rng, onset):
    column, times = one_of(data.numbers, rng), rng.uniform(1, 3)

    def injure(rows, spare):
        at = since(rows, onset)
        rows.loc[at, column] += rng.normal(0, times * data.rows[column].std(), len(at))

    return f"noise of {times:.1f} standard deviations on {column}", [column], injure


def outliers(data, rng, onset):
    column, share, times = one_of(data.numbers, rng), rng.uniform(0.02, 0.08), 10 ** rng.uniform(1.5, 4)

    def injure(rows, spare):
        at = some(since(rows, onset), share, rng)
        rows.loc[at, column] = (rows.loc[at, column].abs() + data.rows[column].std()) * times

    return f"{share:.0%} of {column} are {times:.0f} times too large", [column], injure


def late_partition(data, rng, onset):
    column, value = category(data, rng, 3, ["carrier", "origin"])
    days, late = int(rng.integers(2, 5)), int(rng.integers(2, 6))

    def injure(rows, spare):
        at = since(rows, onset, days)
        at = at[rows.loc[at, column] == value]
        rows.loc[at, "arrival"] = rows["time"].dt.normalize().min() + pd.Timedelta(days=onset + days + late)

    return f"rows of {column} = {value} of {days} days come {late} days late", [column], injure


def labels_stop(data, rng, onset):
    def injure(rows, spare):
        rows.loc[since(rows, onset), "label_days"] = 1000

    return "labels do not come any more", ["label"], injure


def labels_late(data, rng, onset):
    days = int(rng.integers(5, 13))

    def injure(rows, spare):
        rows.loc[since(rows, onset), "label_days"] = days

    return f"labels come {days} days late", ["label"], injure


def repeated(data, rng, onset):
    share, times = rng.uniform(0.1, 0.3), int(rng.integers(2, 6))

    def injure(rows, spare):
        copies = [rows.loc[some(since(rows, onset), share, rng)]] * times
        return pd.concat([rows, *copies]).sort_values("time", kind="stable")

    return f"{share:.0%} of the rows come {times + 1} times", ["rows"], injure


def joined_wrong(data, rng, onset):
    def injure(rows, spare):
        at = since(rows, onset)
        for column in data.joined:
            rows.loc[at, column] = rng.permutation(rows.loc[at, column].to_numpy())

    return f"{', '.join(data.joined)} of other rows", [*data.joined, "together"], injure


def gone(data, rng, onset):
    column = one_of(data.features, rng)

    def injure(rows, spare):
        rows.loc[since(rows, onset), column] = np.nan
        rows.attrs["gone"] = column

    return f"{column} vanishes", [column], injure


def retyped(data, rng, onset):
    column = one_of(data.numbers, rng)

    def injure(rows, spare):
        rows.attrs["retyped"] = column

    return f"{column} becomes text", [column], injure


def turn(rows, at):
    rows.loc[at, "label"] = 1 - rows.loc[at, "label"]


def concept_sudden(data, rng, onset):
    where = outer(data, rng, 0.35)

    def injure(rows, spare):
        at = since(rows, onset)
        turn(rows, at[where["holds"](rows.loc[at])])

    return f"truth turns over for {where['what']}", ["concept"], injure


def concept_gradual(data, rng, onset):
    where, over = outer(data, rng, 0.35), int(rng.integers(10, 26))

    def injure(rows, spare):
        at = grown(rows, onset, over, rng)
        turn(rows, at[where["holds"](rows.loc[at])])

    return f"truth turns over for {where['what']}, growing over {over} days", ["concept"], injure


def concept_recurring(data, rng, onset):
    period, share = int(rng.integers(5, 10)), rng.uniform(0.3, 0.6)

    def injure(rows, spare):
        at = since(rows, onset)
        turn(rows, some(at[((rows.loc[at, "day"] - onset) // period) % 2 == 0], share, rng))

    return f"truth turns over for {share:.0%}, {period} days on and {period} off", ["concept"], injure


def concept_slice(data, rng, onset):
    column, value = category(data, rng, 4, ["carrier", "origin"])

    def injure(rows, spare):
        at = since(rows, onset)
        turn(rows, at[rows.loc[at, column] == value])

    return f"truth turns over where {column} = {value}", ["concept"], injure


def mix(data, rng, onset, over=None):
    where, share = outer(data, rng, 0.25), rng.uniform(0.3, 0.5)

    def injure(rows, spare):
        at = since(rows, onset) if over is None else grown(rows, onset, over, rng)
        refill(rows, some(at, share, rng), spare[where["holds"](spare)], rng)

    slowly = "" if over is None else f", growing over {over} days"
    return f"{share:.0%} more rows of {where['what']}{slowly}", where["columns"], injure


def mix_gradual(data, rng, onset):
    return mix(data, rng, onset, int(rng.integers(10, 26)))


def prior(data, rng, onset):
    share = rng.uniform(0.2, 0.4)

    def injure(rows, spare):
        refill(rows, some(since(rows, onset), share, rng), spare[spare["label"] == 1], rng)

    return f"{share:.0%} more of the positive label", ["prior"], injure


def holiday(data, rng, onset):
    where = outer(data, rng, 0.25)

    def injure(rows, spare):
        refill(rows, since(rows, onset, 1), spare[where["holds"](spare)], rng)

    return f"one odd day: {where['what']}", [], injure


def nothing(data, rng, onset):
    return "nothing happens", [], lambda rows, spare: None


KINDS = {
    "unit": (unit, "flights electricity weather"),
    "unit-in-part": (unit_in_part, "flights"),
    "stuck": (stuck, "electricity weather"),
    "stuck-in-part": (stuck_in_part, "flights"),
    "category-new": (replaced("{share} of {column} are new", any_categories, (0.05, 0.25), "Zulu"), "flights"),
    "category-renamed": (replaced("{only} of {column} is renamed", category, (1, 1), "Zulu"), "flights"),
    "category-gone": (vanished, "flights"),
    "missing-some": (replaced("{share} of {column} are missing", any_number, (0.1, 0.5), np.nan), "electricity"),
    "missing-all": (replaced("all of {column} are missing", any_number, (1, 1), np.nan), "weather"),
    "infinite": (replaced("{share} of {column} are infinite", any_number, (0.05, 0.2), np.inf), "flights"),
    "offset": (offset, "electricity weather"),
    "noise": (noise, "electricity"),
    "outliers": (outliers, "weather"),
    "late-partition": (late_partition, "flights"),
    "labels-stop": (labels_stop, "electricity"),
    "labels-late": (labels_late, "weather"),
    "rows-repeated": (repeated, "weather"),
    "joined-wrong": (joined_wrong, "electricity weather"),
    "column-gone": (gone, "electricity"),
    "type-changed": (retyped, "weather"),
    "concept-sudden": (concept_sudden, "electricity"),
    "concept-gradual": (concept_gradual, "flights"),
    "concept-recurring": (concept_recurring, "weather"),
    "concept-slice": (concept_slice, "flights"),
    "mix-sudden": (mix, "electricity"),
    "mix-gradual": (mix_gradual, "weather"),
    "prior": (prior, "flights"),
    "holiday": (holiday, "electricity weather"),
    "seasonal": (nothing, "flights electricity"),
    "calm": (nothing, "flights electricity weather"),
}
INCIDENTS = {f"{kind}-{data}": (kind, data) for kind, (_, on) in KINDS.items() for data in on.split()}


def sizes(per_day, begin, days, weekend, rng):
    """How many rows each day has."""
    week = np.array([weekend if (begin + pd.Timedelta(days=day)).weekday() >= 5 else 1 for day in range(days)])
    return (per_day * week * rng.uniform(0.75, 1.25, days)).astype(int)


def drawn(source, counts, begin, rng):
    """Rows for each day, none twice before all were there once."""
    rounds = -(-int(counts.sum()) // len(source))
    order = np.concatenate([rng.permutation(len(source)) for _ in range(rounds)])[: int(counts.sum())]
    taken = source.iloc[order].reset_index(drop=True)
    taken["day"] = np.repeat(np.arange(len(counts)), counts)
    within = np.concatenate([np.sort(rng.integers(0, 86_400_000, count)) for count in counts])
    taken["time"] = begin + pd.to_timedelta(taken["day"], unit="D") + pd.to_timedelta(within, unit="ms")
    taken["arrival"] = taken["time"]
    taken["label_days"] = 1
    return taken


def stream(name, seed, data, parts, model):
    kind, of = INCIDENTS[name]
    rng = np.random.default_rng([seed, list(INCIDENTS).index(name)])
    onset, reference_days = int(rng.integers(15, 36)), int(rng.integers(14, 36))
    begin = pd.Timestamp("2023-01-01", tz="UTC") + pd.Timedelta(days=int(rng.integers(1000)))
    days = CALM_DAYS[of] if kind == "calm" else onset + LIVE_DAYS
    weekend = rng.uniform(0.6, 1.0)
    what, causes, injure = KINDS[kind][0](data, rng, onset)
    spare, source = parts
    past = begin - pd.Timedelta(days=reference_days)
    reference = drawn(spare, sizes(data.per_day, past, reference_days, weekend, rng), past, rng)
    live = drawn(source, sizes(data.per_day, begin, days, weekend, rng), begin, rng)
    if kind == "seasonal":
        where = outer(data, rng, 0.5)
        what = f"weekends differ, as they always did: {where['what']}"
        for rows in (reference, live):
            refill(rows, rows.index[rows["time"].dt.weekday >= 5], spare[where["holds"](spare)], rng)
    found = injure(live, spare)
    attrs = dict(live.attrs)
    live = (live if found is None else found).reset_index(drop=True)
    for each in (reference, live):
        each["score"] = model.predict_proba(each[data.features].replace([np.inf, -np.inf], np.nan))[:, 1].round(6)
    told = {"name": name, "what": what, "causes": causes, "onsetDay": onset, "days": days, "begin": begin.isoformat()}
    columns = {"numbers": data.numbers, "categories": data.categories, "truth": "label", "referenceDays": reference_days}
    return reference, live, {**told, **columns, **attrs}


def prepared(name, folder, wheels, seed):
    """The data, its rows for references and for what is put in, those that are played, and a model of yet others."""
    data = DATA[name](folder, wheels)
    rows = data.rows.iloc[np.random.default_rng([seed, 7]).permutation(len(data.rows))].reset_index(drop=True)
    for column in data.numbers:
        rows[column] = rows[column].astype("float64")
    for column in data.categories:
        rows[column] = rows[column].astype(object)
    rows["label"] = rows["label"].astype(int)
    data.rows = rows
    learn, spare = int(min(40_000, 0.2 * len(rows))), int(0.25 * len(rows))
    encode = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), data.categories), remainder="passthrough"
    )
    model = make_pipeline(encode, HistGradientBoostingClassifier(random_state=seed))
    model.fit(rows[data.features].iloc[:learn], rows["label"].iloc[:learn])
    parts = rows.iloc[learn : learn + spare].reset_index(drop=True), rows.iloc[learn + spare :].reset_index(drop=True)
    return data, parts, model


def main(folder, wheels, out, seed, *names):
    of = {}
    for name in names or INCIDENTS:
        on = INCIDENTS[name][1]
        of[on] = of.get(on) or prepared(on, folder, wheels, int(seed))
        reference, live, told = stream(name, int(seed), *of[on])
        to = Path(out) / name
        to.mkdir(parents=True, exist_ok=True)
        live.insert(0, "id", [f"{name}-{number}" for number in range(len(live))])
        reference.drop(columns=["day", "arrival", "label_days"]).to_parquet(to / "reference.parquet")
        live.attrs = {}
        live.to_parquet(to / "stream.parquet")
        (to / "incident.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
