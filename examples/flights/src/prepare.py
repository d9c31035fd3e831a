"""Splits the flights by time: the newest days are held out, so that no model has seen them."""

from pathlib import Path

import pandas as pd
import yaml

from flights import CATEGORIES, FEATURES, KEY, LABEL, SCHEDULE, TIME, WEATHER

RAW = Path("data/raw")
PREPARED = Path("data/prepared")


def landed_flights() -> pd.DataFrame:
    files = sorted(RAW.glob("*.parquet"))
    if not files:
        raise SystemExit(f"{RAW} holds no Parquet file: copy one from months/ first")
    flights = pd.concat(
        [pd.read_parquet(file, columns=[KEY, TIME, *FEATURES, LABEL]) for file in files],
        ignore_index=True,
    )
    # Cancelled and diverted flights never arrive, so they are neither late nor on time.
    landed = flights.dropna(subset=[LABEL]).sort_values([TIME, KEY], ignore_index=True)
    kinds = (
        dict.fromkeys(CATEGORIES, "object")
        | dict.fromkeys(SCHEDULE, "int64")
        | dict.fromkeys(WEATHER, "float64")
    )
    return landed.astype(kinds | {LABEL: "int64"})


def main() -> None:
    holdout_days = yaml.safe_load(Path("params.yaml").read_text())["prepare"]["holdout_days"]
    flights = landed_flights()
    held_out = flights[TIME] > flights[TIME].max() - pd.Timedelta(days=holdout_days)
    PREPARED.mkdir(parents=True, exist_ok=True)
    for name, rows in {"train": flights[~held_out], "holdout": flights[held_out]}.items():
        rows.to_parquet(PREPARED / f"{name}.parquet", index=False)
        print(f"{name}: {len(rows)} flights, {rows[TIME].min()} to {rows[TIME].max()}")


if __name__ == "__main__":
    main()
