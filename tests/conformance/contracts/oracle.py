"""What pandas counts in the table that it makes, and what the libraries of the two standards say of our files."""
import json
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd

folder, orrery = sys.argv[1], json.loads(sys.argv[2])
os.chdir(folder)
rng = np.random.default_rng(7)
ROWS = 5000


def some(values, none=0.05):
    picked = rng.choice(np.array(values, dtype=object), ROWS)
    picked[rng.random(ROWS) < none] = None
    return picked


frame = pd.DataFrame(
    {
        "id": np.where(rng.random(ROWS) < 0.01, 17, np.arange(ROWS)),
        "kind": some(["open", "closed", "odd", "ÖPEN", "it's"]),
        "code": some(["AB-12", "CD-34", "ab-12", "AB-1", "中文-99", ""]),
        "amount": np.where(rng.random(ROWS) < 0.02, np.inf, rng.normal(50, 20, ROWS)),
        "count": pd.array(np.where(rng.random(ROWS) < 0.1, None, rng.integers(-5, 100, ROWS)), dtype="Int64"),
        "customer": rng.integers(0, 120, ROWS),
        "day": pd.to_datetime("2024-01-01") + pd.to_timedelta(rng.integers(0, 400, ROWS), unit="D"),
    }
)
people = pd.DataFrame({"id": np.arange(100)})
os.makedirs("data/orders")
frame.iloc[:3000].to_parquet("data/orders/a.parquet")
frame.iloc[3000:].to_parquet("data/orders/b.parquet")
people.to_parquet("data/people.parquet")


def strings(column, wrong):
    return int(frame[column].dropna().map(wrong).sum())


counts = {
    "orders.id.duplicates": int(frame["id"].duplicated().sum()),
    "orders.kind.nulls": int(frame["kind"].isna().sum()),
    "orders.kind.set": strings("kind", lambda value: value not in ("open", "closed", "it's")),
    "orders.code.pattern": strings("code", lambda value: re.search(r"^[A-Z]{2}-[0-9]+$", value) is None),
    "orders.code.length": strings("code", lambda value: not 3 <= len(value) <= 5),
    "orders.code.missing": int((frame["code"].isna() | (frame["code"] == "")).sum()),
    "orders.amount.range": int((~frame["amount"].between(0, 100)).sum()),
    "orders.amount.infinite": int(np.isinf(frame["amount"]).sum()),
    "orders.count.range": int(((frame["count"] <= 0) | (frame["count"] > 90)).fillna(False).sum()),
    "orders.count.multiple": int((frame["count"].dropna() % 3 != 0).sum()),
    "orders.customer.reference": int((~frame["customer"].isin(people["id"])).sum()),
    "orders.day.range": int((frame["day"] > pd.Timestamp("2024-12-31")).sum()),
    "orders.kind+customer.duplicates": int(
        frame.dropna(subset=["kind"]).duplicated(["kind", "customer"]).sum()
    ),
    "orders.rows": len(frame),
    "orders.kind.distinct": int(frame["kind"].nunique()),
    "orders.sql": int((frame["amount"] > frame["customer"]).sum()),
}

first = frame[frame["kind"].isna()].index[0]


def run(*args):
    return subprocess.run([*orrery, *args], capture_output=True, text=True)


told = run("validate", "--json", "--junit", "report.xml")
proposed = run("validate", "--infer", "data/orders", "-o", "proposed.odcs.yaml")
assert proposed.returncode == 0, proposed.stderr
kept = run("validate", "proposed.odcs.yaml", "--json")

import jsonschema
import open_data_contract_standard.model as model
import yaml
from importlib.resources import files

standard = json.loads((files("open_data_contract_standard") / "schema.json").read_text())
wrong = []
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

schema = schema_pb2.Schema()
feature = schema.feature.add(name="kind", type=schema_pb2.BYTES)
feature.presence.min_fraction = 0.5
feature.presence.min_count = 1
feature.string_domain.value.extend(["open", "closed", 'say "hi"', "größe\n\t\\ 中", "\x01"])
feature.distribution_constraints.min_domain_mass = 0.25
feature.drift_comparator.infinity_norm.threshold = 0.01
feature = schema.feature.add(name="amount", type=schema_pb2.FLOAT)
feature.float_domain.min = -0.125
feature.float_domain.disallow_inf = True
feature.shape.dim.add(size=1)
feature.in_environment.append("SERVING")
schema.default_environment.append("TRAINING")
schema.dataset_constraints.min_examples_count = 10
with open("schema.pbtxt", "w") as out:
    out.write(text_format.MessageToString(schema))
imported = run("validate", "--import", "schema.pbtxt", "-o", "imported.odcs.yaml")
assert imported.returncode == 0, imported.stderr
exported = run("validate", "--export", "imported.odcs.yaml")
back = text_format.Parse(exported.stdout, schema_pb2.Schema())
ours = run("validate", "--export", "proposed.odcs.yaml")
text_format.Parse(ours.stdout, schema_pb2.Schema())
anomalies = set(anomalies_pb2.AnomalyInfo.Type.keys())

for name in ("proposed.odcs.yaml", "imported.odcs.yaml", "contracts/orders.odcs.yaml"):
    text = open(name).read()
    model.OpenDataContractStandard.from_string(text)
    value = json.loads(json.dumps(yaml.safe_load(text), default=str))
    wrong += [
        f"{name}: {error.json_path} {error.message[:200]}"
        for error in jsonschema.Draft201909Validator(standard).iter_errors(value)
    ]

import xml.etree.ElementTree

report = json.loads(told.stdout)
checks = [check for each in report["reports"] for data in each["datasets"] for check in data["checks"]]
suites = xml.etree.ElementTree.parse("report.xml").getroot()
print(
    json.dumps(
        {
            "pandas": counts,
            "code": told.returncode,
            "checks": checks,
            "first": [["a", "b"][int(first >= 3000)] + ".parquet", int(first) % 3000],
            "kept": [kept.returncode, json.loads(kept.stdout)["outcome"]],
            "wrong": wrong,
            "roundTrip": back == schema,
            "unknown": sorted({each["anomaly"] for each in checks if each["anomaly"]} - anomalies),
            "junit": [int(suites.get("tests")), int(suites.get("failures"))],
        }
    )
)
