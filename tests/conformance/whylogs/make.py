"""Writes profiles with whylogs and says what whylogs itself reads in them."""
import json
import sys

import numpy as np
import pandas as pd
import whylogs as why

folder = sys.argv[1]
LEVELS = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]


def told(name, profile):
    view = profile.view()
    view.write(f"{folder}/{name}.bin")
    columns = {}
    for column, seen in view.get_columns().items():
        parts = seen.to_summary_dict()
        known = seen.get_metric("distribution")
        numbers = known is not None and known.n > 0
        items = parts.get("frequent_items/frequent_strings") or []
        columns[column] = {
            "n": parts["counts/n"],
            "null": parts["counts/null"],
            "nan": parts["counts/nan"],
            "inf": parts["counts/inf"],
            "integral": parts["types/integral"],
            "string": parts["types/string"],
            "distinct": parts["cardinality/est"],
            "mean": known.mean.value if numbers else None,
            "std": known.stddev if numbers else None,
            "quantiles": list(known.kll.value.get_quantiles(LEVELS)) if numbers else None,
            "count": known.n if numbers else 0,
            "frequent": [[item.value, item.est] for item in items[:5]],
        }
    return {"columns": columns}


random = np.random.default_rng(7)
small = pd.DataFrame(
    {
        "amount": [1.5, 2.5, 3.5, None, 100.0],
        "country": ["DE", "FR", "DE", None, "IT"],
        "visits": [1, 2, 2, 3, 3],
        "member": [True, False, True, True, False],
        "odd": [float("inf"), 1.0, float("nan"), -2.0, 0.0],
    }
)
rows = 50_000
large = pd.DataFrame(
    {
        "normal": random.normal(size=rows),
        "long": random.lognormal(sigma=3, size=rows),
        "count": random.integers(0, 3_000, size=rows),
        "city": random.choice([f"city-{i}" for i in range(500)], p=np.arange(500, 0, -1) / 125250, size=rows),
        "user": [f"user-{i}" for i in random.integers(0, 40_000, size=rows)],
    }
)
profiles = {
    "small": why.log(small).profile(),
    "empty": why.log(small.head(0)).profile(),
    "one": why.log(pd.DataFrame({"amount": [7.25]})).profile(),
    "large": why.log(large).profile(),
}
halves = [why.log(large.iloc[: rows // 2]).view(), why.log(large.iloc[rows // 2 :]).view()]


class Merged:
    def view(self):
        return halves[0].merge(halves[1])


profiles["merged"] = Merged()
json.dump({name: told(name, each) for name, each in profiles.items()}, sys.stdout)
