"""Saves models of many flavors as users do, and tells what MLflow itself answers with each."""
import json
import os
import sys
import warnings

warnings.filterwarnings("ignore")
import logging

logging.disable(logging.WARNING)
import lightgbm
import mlflow
import numpy as np
import pandas as pd
import xgboost
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.utils.proto_json_utils import NumpyEncoder, _get_jsonable_obj
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

OUT = os.environ["ORRERY_MODELS"]
FLIGHTS = pd.DataFrame(
    {
        "carrier": ["AA", "UA", None, "AA", "B6", "UA"],
        "hour": [1.0, 2.0, np.nan, 4.0, 23.0, 12.0],
        "distance": np.array([100, 200, 300, 400, 2500, 1200], dtype="int64"),
    }
)
LATE = [0, 1, 0, 1, 1, 0]
NUMBERS = pd.DataFrame(
    {"a": [0.0, 1.0, np.nan, 3.0, 4.0, 5.0] * 10, "b": np.arange(60, dtype="float64") % 7}
)
CLASSES = [0, 1, 0, 1, 1, 0] * 10


def place(name):
    return os.path.join(OUT, name)


def flights():
    # A gap is a category of its own, whether this version of pandas says None or NaN.
    texts = OneHotEncoder(handle_unknown="ignore")
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = make_column_transformer((texts, ["carrier"]), (numbers, ["hour", "distance"]))
    return make_pipeline(columns, LogisticRegression()).fit(FLIGHTS, LATE)


class Shout(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        from shouting import shout

        times = (params or {}).get("times", 1)
        said = [shout(text, times) for text in model_input["text"]]
        return pd.DataFrame({"said": said, "length": [len(text) for text in said]})


class Forms(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        n = len(model_input)
        when = pd.to_datetime(["2026-01-02T03:04:05"] * n)
        return {
            "array": np.arange(n * 2, dtype="float32").reshape(n, 2),
            "texts": np.array(["ä"] * n),
            "list": [1.5] * n,
            "words": ["a"] * n,
            "records": [{"a": 1, "b": [1, 2]}] * n,
            "dict": {"x": np.arange(n), "y": ["a"] * n},
            "answer": {"answer": "yes", "why": {"because": [1, 2]}},
            "text": "all of it",
            "nothing": None,
            "series": pd.Series(np.arange(n), name="s"),
            "frame": pd.DataFrame({"i": np.arange(n), "t": when, "c": pd.Categorical(["u"] * n)}),
            "gaps": pd.DataFrame({"f": [np.nan] * n, "s": pd.Series([None] * n, dtype=object)}),
            "bytes": [b"\x00\xff"] * n,
            "whole": np.array([2**60 + 1] * n),
        }[params["form"]]


class Types(mlflow.pyfunc.PythonModel):
    """Answers what it was given, as it sees it."""

    def predict(self, context, model_input):
        if isinstance(model_input, pd.DataFrame):
            seen = {name: f"{column.dtype} {column.tolist()!r}" for name, column in model_input.items()}
        elif isinstance(model_input, dict):
            seen = {name: f"{each.dtype} {each.tolist()!r}" for name, each in model_input.items()}
        else:
            seen = {"": f"{model_input.dtype} {model_input.tolist()!r}"}
        return json.dumps(seen)


class Bad(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        import ctypes
        import time

        for what in model_input["what"]:
            print("asked to", what)
            if what == "exit":
                os._exit(7)
            if what == "quit":
                raise SystemExit("no more of this")
            if what == "crash":
                ctypes.string_at(0)
            if what == "spin":
                while True:
                    pass
            if what == "sleep":
                time.sleep(3600)
            if what == "hog":
                np.ones(10**10)
            if what == "meddle":
                os.write(3, b"\x05\x00\x00\x00\x00\x00\x00\x00nope!")
                time.sleep(3600)
            if what == "babble":
                for _ in range(200):
                    print("x" * 100_000, end="")
            if what == "raise":
                raise ValueError(f"this cannot be, says /srv/secret/place/model.py")
            if what == "environment":
                return [json.dumps(sorted(os.environ))]
        return [f"did {what}" for what in model_input["what"]]


os.makedirs(place("code"), exist_ok=True)
with open(place("code/shouting.py"), "w") as file:
    file.write("def shout(text, times):\n    return text.upper() + '!' * times\n")
sys.path.insert(0, place("code"))

ANY = {"pip_requirements": ["mlflow"]}
model = flights()
signed = infer_signature(FLIGHTS, model.predict(FLIGHTS))
mlflow.sklearn.save_model(
    model, place("sklearn"), signature=signed, input_example=FLIGHTS.head(2), serialization_format="cloudpickle", **ANY
)
mlflow.sklearn.save_model(
    model,
    place("proba"),
    signature=signed,
    pyfunc_predict_fn="predict_proba",
    serialization_format="cloudpickle",
    **ANY,
)
plain = LogisticRegression().fit(FLIGHTS[["distance"]].to_numpy("float64"), LATE)
mlflow.sklearn.save_model(plain, place("unsigned"), serialization_format="skops", **ANY)
boosted = xgboost.XGBClassifier(n_estimators=5, max_depth=2).fit(NUMBERS, CLASSES)
mlflow.xgboost.save_model(boosted, place("xgboost"), signature=infer_signature(NUMBERS, CLASSES), **ANY)
data = lightgbm.Dataset(NUMBERS, CLASSES)
gbm = lightgbm.train({"objective": "binary", "verbose": -1, "min_data_in_leaf": 1, "num_threads": 1}, data, 5)
mlflow.lightgbm.save_model(gbm, place("lightgbm"), signature=infer_signature(NUMBERS, gbm.predict(NUMBERS)), **ANY)


def columns(*specs, params=None):
    inputs = Schema([ColSpec(kind, name, required) for name, kind, required in specs])
    return ModelSignature(inputs=inputs, params=params and ParamSchema(params))


def custom(name, python_model, signature, **more):
    mlflow.pyfunc.save_model(place(name), python_model=python_model, signature=signature, **ANY, **more)


text = [("text", "string", True)]
custom(
    "shout",
    Shout(),
    columns(*text, params=[ParamSpec("times", "long", 1)]),
    code_paths=[place("code/shouting.py")],
)
custom("forms", Forms(), columns(*text, params=[ParamSpec("form", "string", "array")]))
custom("bad", Bad(), columns(("what", "string", True)))
custom(
    "types",
    Types(),
    columns(
        ("flag", "boolean", True),
        ("small", "integer", True),
        ("big", "long", True),
        ("single", "float", True),
        ("double", "double", True),
        ("text", "string", True),
        ("bytes", "binary", True),
        ("when", "datetime", True),
        ("maybe", "double", False),
    ),
)
tensors = Schema([TensorSpec(np.dtype("float32"), (-1, 2), "x"), TensorSpec(np.dtype("int64"), (-1,), "y")])
custom("tensors", Types(), ModelSignature(inputs=tensors))
custom("matrix", Types(), ModelSignature(inputs=Schema([TensorSpec(np.dtype("float64"), (-1, 3))])))


def told(name, data, params=None):
    loaded = mlflow.pyfunc.load_model(place(name))
    answer = loaded.predict(data, params=params) if params else loaded.predict(data)
    return json.loads(json.dumps(_get_jsonable_obj(answer, pandas_orient="records"), cls=NumpyEncoder), parse_constant=lambda _: None)


words = pd.DataFrame({"text": ["a", "bc"]})
forms = ["array", "texts", "list", "words", "records", "dict", "answer", "text", "nothing"]
forms += ["series", "frame", "gaps", "bytes", "whole"]
types = pd.DataFrame(
    {
        "flag": [True, False],
        "small": np.array([1, -2], "int32"),
        "big": np.array([2**53 + 1, -1], "int64"),
        "single": np.array([0.1, np.nan], "float32"),
        "double": [0.1, np.nan],
        "text": ["ä", None],
        "bytes": [b"\x00\x01", b""],
        "when": pd.to_datetime(["2026-01-02T03:04:05", "2026-01-02T03:04:06"]),
    }
)
print(
    json.dumps(
        {
            "sklearn": told("sklearn", FLIGHTS),
            "proba": told("proba", FLIGHTS),
            "unsigned": told("unsigned", np.array([[100.0], [2500.0]])),
            "xgboost": told("xgboost", NUMBERS.head(6)),
            "lightgbm": told("lightgbm", NUMBERS.head(6)),
            "shout": told("shout", words, {"times": 3}),
            "quiet": told("shout", words),
            "forms": {form: told("forms", words, {"form": form}) for form in forms},
            "types": told("types", types),
            "tensors": told("tensors", {"x": np.ones((2, 2), "float32"), "y": np.array([2**60 + 1, -1])}),
            "matrix": told("matrix", np.array([[1.0, 2.0, np.nan]])),
        }
    )
)
