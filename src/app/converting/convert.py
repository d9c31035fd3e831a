"""Converts a logged model to ONNX, proves that both answer alike, and logs the outcome as a new version.

Reads one JSON object, a line, from standard input and ends when that closes; writes progress to standard error and
one JSON object, the outcome, as the last line of standard output. It runs in a Python that has the model's packages
and those of the converter.
"""

import contextlib
import dataclasses
import importlib.metadata
import json
import os
import resource
import signal
import sys
import threading
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
asked = json.loads(sys.stdin.readline())
ROWS_MAX = asked["rows_max"]
OPSET = 18
SHOWN = 10
EXAMPLE_ROWS = 100
# What MLflow keeps of a tag.
TAG_MAX = 5000


def end_with_who_asked():
    """Standard input closes when whoever asked is gone, however it went; nothing is to go on, or be logged, after that."""
    while os.read(0, 1):
        pass
    os.killpg(os.getpid(), signal.SIGKILL)


threading.Thread(target=end_with_who_asked, daemon=True).start()


def bound(memory_bytes_max):
    """A model takes no more than this, and what serves goes first: it may be larger than anybody knew."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes_max, memory_bytes_max))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(10)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        # Should the machine run out of memory all the same, this process goes and not the server.
        file.write("1000")


if asked.get("memory_bytes_max"):
    bound(asked["memory_bytes_max"])


class Refusal(Exception):
    """An expected end: the message says what happened and what to do."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def needs(*packages):
    missing = []
    for package in packages:
        try:
            __import__(package)
        except ImportError:
            missing.append(package)
    if missing:
        raise Refusal(f"this Python lacks {', '.join(missing)}; install it there or choose another Python")


def version_of(package):
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return package


# Reading the model and the rows that it is tried with


def load(folder, flavors):
    """The model as its own library has it, and how to convert it."""
    import mlflow

    if "sklearn" in flavors:
        return mlflow.sklearn.load_model(str(folder)), convert_sklearn
    if "xgboost" in flavors:
        return mlflow.xgboost.load_model(str(folder)), convert_xgboost
    if "lightgbm" in flavors:
        return mlflow.lightgbm.load_model(str(folder)), convert_lightgbm
    if "pytorch" in flavors:
        return mlflow.pytorch.load_model(str(folder), map_location="cpu"), convert_torch
    if "tensorflow" in flavors or "keras" in flavors:
        flavor = mlflow.tensorflow if "tensorflow" in flavors else mlflow.keras
        return flavor.load_model(str(folder)), convert_keras
    if "onnx" in flavors:
        raise Refusal("the model is ONNX already; there is nothing to convert")
    raise Refusal(
        f"there is no converter for a model of {', '.join(sorted(flavors)) or 'Python code'}; it is served as it is, by Python"
    )


@dataclasses.dataclass
class Part:
    """Rows that are compared: what they are of, their places there, and of how many they were chosen."""

    of: str
    rows: object
    places: list
    all: int


EXAMPLE = "the input example"


def example_part(model_info, folder):
    example = model_info.load_input_example(str(folder)) if model_info.saved_input_example_info else None
    if isinstance(example, tuple):
        example = example[0]
    return None if example is None else Part(EXAMPLE, example, list(range(len(example))), len(example))


def sample_part(file):
    """Rows of a file that somebody named, or those that the server has chosen, which say so themselves."""
    import pandas as pd

    path = Path(file)
    if path.suffix == ".parquet":
        rows = pd.read_parquet(path)
    elif path.suffix == ".csv":
        rows = pd.read_csv(path)
    else:
        raise Refusal(f"{file} is neither .parquet nor .csv; give the sample as one of these")
    chosen = chosen_of(path)
    if chosen is not None:
        places = rows.iloc[:, 0].tolist()
        return Part(chosen["of"], rows.iloc[:, 1:].reset_index(drop=True), places, chosen["all"])
    rows = rows.reset_index(drop=True)
    few = rows.sample(ROWS_MAX, random_state=0) if len(rows) > ROWS_MAX else rows
    return Part(path.name, few, few.index.tolist(), len(rows))


def chosen_of(path):
    """What the server says of rows that it has chosen."""
    if path.suffix != ".parquet":
        return None
    import pyarrow.parquet

    said = (pyarrow.parquet.read_schema(path).metadata or {}).get(b"orrery")
    return None if said is None else json.loads(said)


def answerable(model, part):
    """The part as far as the model itself answers it, and what was left out: training may have cleaned its rows first."""
    whole = part.rows.notna().all(axis=1).to_numpy()
    gaps = f"{len(whole) - int(whole.sum())} rows of {part.of} have gaps that the model refuses"
    kept = [place for place, is_whole in zip(part.places, whole) if is_whole]
    for tried, left_out in [(part, None), (Part(part.of, part.rows[whole], kept, part.all), gaps)]:
        try:
            if len(tried.rows) > 0:
                answers_of(model, tried.rows)
                return tried, left_out
        except Exception as error:
            refused = f"{type(error).__name__}: {error}"[:500]
    return None, f"the model refuses the rows of {part.of} ({refused})"


def parts_to_compare(model, model_info, folder):
    """The input example and rows of the training data, with the columns that the model takes; and what is missing."""
    import pandas as pd

    example = example_part(model_info, folder)
    if not asked.get("sample"):
        reason = asked.get("no_sample") or "its training data is not known"
        if example is None:
            raise Refusal(
                f"there is nothing to compare with: the model was logged without an input example, and {reason}; log it with an input example, or give orrery convert a --sample FILE.parquet or .csv"
            )
        return [example], f"not on training data, since {reason}"
    sample = sample_part(asked["sample"])
    names = model_info.get_input_schema()
    names = names.input_names() if names is not None and names.has_input_names() else None
    if names is None and example is not None and isinstance(example.rows, pd.DataFrame):
        names = list(example.rows.columns)
    if names is not None:
        missing = [name for name in names if name not in sample.rows.columns]
        if missing:
            raise Refusal(f"the sample lacks the columns {', '.join(map(str, missing))}")
        sample.rows = sample.rows[names]
    left_out = None
    if sample.of != Path(asked["sample"]).name:
        sample, left_out = answerable(model, sample)
    parts = [part for part in (example, sample) if part is not None]
    if not parts:
        raise Refusal(f"there is nothing to compare with: {left_out}; log the model with an input example")
    return parts, left_out


def together(parts):
    """The rows of all parts, one below the other."""
    import numpy as np
    import pandas as pd

    if len(parts) == 1:
        return parts[0].rows
    one, other = (part.rows for part in parts)
    if isinstance(one, pd.DataFrame):
        return pd.concat([one, other[one.columns]], ignore_index=True)
    return np.concatenate([np.asarray(one), np.asarray(other).astype(np.asarray(one).dtype)])


def told_of(parts, left_out):
    """What was compared, in words."""
    each = [
        f"{len(part.rows)} of {part.of}" if len(part.rows) == part.all else f"{len(part.rows)} of {part.all} of {part.of}"
        for part in parts
    ]
    return ", ".join(each) + (f"; {left_out}" if left_out else "")


# Converting


def coerce_attributes():
    """onnx refuses truth values where whole numbers are meant, which some converters give."""
    import numpy as np
    import onnx.helper

    original = onnx.helper.make_attribute

    def plain(value):
        if isinstance(value, (bool, np.bool_)):
            return int(value)
        if isinstance(value, (list, tuple)):
            return [plain(each) for each in value]
        if isinstance(value, np.ndarray) and value.dtype == bool:
            return value.astype(np.int64)
        return value

    onnx.helper.make_attribute = lambda key, value, *args, **more: original(key, plain(value), *args, **more)


def known_to_skl2onnx():
    """Has boosted trees of other libraries converted inside pipelines."""
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes as of_classifier,
        calculate_linear_regressor_output_shapes as of_regressor,
    )

    options = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    if "xgboost" in sys.modules:
        import xgboost
        from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost as convert

        update_registered_converter(xgboost.XGBClassifier, "XGBClassifier", of_classifier, convert, options=options)
        update_registered_converter(xgboost.XGBRegressor, "XGBRegressor", of_regressor, convert)
    if "lightgbm" in sys.modules:
        import lightgbm
        from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm as convert

        update_registered_converter(
            lightgbm.LGBMClassifier, "LightGbmLGBMClassifier", of_classifier, convert, options=options
        )
        update_registered_converter(
            lightgbm.LGBMRegressor, "LightGbmLGBMRegressor", of_regressor, convert, options={"split": None}
        )


def steps_of(model):
    """A model and all that it is made of."""
    yield model
    for _, step in getattr(model, "steps", []):
        yield from steps_of(step)
    for transformer in getattr(model, "transformers_", getattr(model, "transformers", [])):
        yield from steps_of(transformer[1])
    for name in ("estimator", "base_estimator", "regressor_"):
        inner = getattr(model, name, None)
        if inner is not None and not isinstance(inner, str):
            yield from steps_of(inner)


def types_of(rows, apart, kinds):
    """The inputs of the ONNX model: one for each column, or one matrix."""
    import pandas as pd

    if not isinstance(rows, pd.DataFrame) or not apart:
        width = rows.shape[1] if len(rows.shape) > 1 else 1
        return [("X", kinds["number"]([None, width]))]
    is_number = lambda name: pd.api.types.is_numeric_dtype(rows[name]) or pd.api.types.is_bool_dtype(rows[name])
    return [(str(name), kinds["number" if is_number(name) else "text"]([None, 1])) for name in rows.columns]


def convert_sklearn(model, rows, precision):
    needs("skl2onnx", "onnx")
    import pandas as pd
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType
    from sklearn.preprocessing import StandardScaler

    steps = list(steps_of(model))
    if {type(step).__module__.split(".")[0] for step in steps} & {"xgboost", "lightgbm"}:
        needs("onnxmltools")
        known_to_skl2onnx()
    apart = any(type(step).__name__ == "ColumnTransformer" for step in steps) or (
        isinstance(rows, pd.DataFrame) and not all(map(pd.api.types.is_numeric_dtype, rows.dtypes))
    )
    kinds = {"number": FloatTensorType if precision == "single" else DoubleTensorType, "text": StringTensorType}
    options = {}
    if hasattr(model, "predict_proba"):
        options[id(model)] = {"zipmap": False}
    if any(isinstance(step, StandardScaler) for step in steps):
        # Multiplying by a rounded reciprocal crosses the splits of trees that come after.
        options[StandardScaler] = {"div": "div"}
    boosters = [step for step in steps if hasattr(step, "get_booster")]
    with unnamed_columns(boosters):
        made = to_onnx(
            model,
            initial_types=types_of(rows, apart, kinds),
            options=options or None,
            target_opset={"": OPSET, "ai.onnx.ml": 3},
        )
    return in_single_trees(made) if precision == "double" else made


def in_single_trees(model):
    """Scikit-learn and XGBoost round to single precision just before their trees, and so does this."""
    from onnx import TensorProto, helper

    nodes = []
    for place, node in enumerate(model.graph.node):
        if node.op_type.startswith("TreeEnsemble"):
            nodes.append(
                helper.make_node("Cast", [node.input[0]], [f"single_{place}"], to=TensorProto.FLOAT)
            )
            node.input[0] = f"single_{place}"
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    if any(node.op_type.startswith("TreeEnsemble") for node in nodes):
        # What trees answer is in single precision as well, whatever the converter has declared.
        del model.graph.value_info[:]
        for output in model.graph.output:
            if output.type.tensor_type.elem_type == TensorProto.DOUBLE:
                output.type.tensor_type.elem_type = TensorProto.FLOAT
    return model


@contextlib.contextmanager
def unnamed_columns(models):
    """XGBoost's converter takes columns by their place, and gives up on columns with names."""
    boosters = [model.get_booster() if hasattr(model, "get_booster") else model for model in models]
    names = [booster.feature_names for booster in boosters]
    for booster in boosters:
        booster.feature_names = None
    try:
        yield
    finally:
        for booster, before in zip(boosters, names):
            booster.feature_names = before


def convert_xgboost(model, rows, _):
    needs("onnxmltools", "onnx")
    import onnxmltools
    from onnxmltools.convert.common.data_types import FloatTensorType

    with unnamed_columns([model]):
        return onnxmltools.convert_xgboost(
            model, initial_types=[("X", FloatTensorType([None, rows.shape[1]]))]
        )


def convert_lightgbm(model, rows, _):
    needs("onnxmltools", "onnx")
    import onnxmltools
    from onnxmltools.convert.common.data_types import FloatTensorType

    return onnxmltools.convert_lightgbm(
        model, initial_types=[("X", FloatTensorType([None, rows.shape[1]]))], zipmap=False
    )


def convert_torch(model, rows, _):
    needs("torch", "onnx")
    import io

    import numpy as np
    import onnx
    import torch

    to_answer(model)
    few = torch.from_numpy(np.ascontiguousarray(np.asarray(rows)[:2]))
    names = {"input_names": ["input"], "output_names": ["output"], "opset_version": OPSET}
    if isinstance(model, torch.fx.GraphModule):
        # A graph as MLflow saves it now; the exporter that follows calls cannot read it.
        needs("onnxscript")
        return torch.onnx.export(
            model,
            (few,),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("rows")},),
            verbose=False,
            **names,
        ).model_proto
    made = io.BytesIO()
    torch.onnx.export(
        model,
        (few,),
        made,
        dynamic_axes={"input": {0: "rows"}, "output": {0: "rows"}},
        dynamo=False,
        **names,
    )
    return onnx.load_model_from_string(made.getvalue())


def to_answer(model):
    """Has a torch model answer rather than learn; one that was saved as a graph does nothing else."""
    with contextlib.suppress(NotImplementedError):
        model.eval()


def convert_keras(model, rows, _):
    needs("onnx", "tf2onnx")
    import tempfile

    import numpy as np
    import onnx

    # A model that was read and never asked does not know its own shapes.
    model(np.asarray(rows)[:2])
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.onnx")
        model.export(path, format="onnx", verbose=False)
        return onnx.load(path)


# Comparing


def answers_of(model, rows):
    """What the model's own library answers, by the name of what is compared."""
    import numpy as np

    kind = type(model).__module__.split(".")[0]
    if kind == "torch":
        import torch

        to_answer(model)
        with torch.no_grad():
            return {"output": model(torch.from_numpy(np.ascontiguousarray(np.asarray(rows)))).numpy()}
    if type(model).__name__ == "Booster" and kind == "xgboost":
        import xgboost

        return {"output": model.predict(xgboost.DMatrix(rows))}
    if hasattr(model, "predict_proba"):
        return {"label": np.asarray(model.predict(rows)), "probabilities": np.asarray(model.predict_proba(rows))}
    if hasattr(model, "predict"):
        predict = model.predict
        return {"output": np.asarray(predict(rows, verbose=0) if kind == "keras" else predict(rows))}
    if hasattr(model, "transform"):
        made = model.transform(rows)
        return {"output": made.toarray() if hasattr(made, "toarray") else np.asarray(made)}
    raise Refusal(f"a {type(model).__name__} neither predicts nor transforms, so there is nothing to compare")


NUMBERS = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(bool)": "bool",
}


def feeds_of(session, rows):
    """The rows as the server feeds them."""
    import numpy as np
    import pandas as pd

    inputs = session.get_inputs()
    if isinstance(rows, pd.DataFrame) and (len(inputs) > 1 or inputs[0].name in map(str, rows.columns)):
        feeds = {}
        for each in inputs:
            column = rows[next(name for name in rows.columns if str(name) == each.name)]
            if each.type == "tensor(string)":
                values = column.where(column.notna(), "").astype(str).to_numpy(dtype=object)
            else:
                values = column.to_numpy(dtype=NUMBERS[each.type])
            feeds[each.name] = values.reshape(-1, 1)
        return feeds
    return {inputs[0].name: np.ascontiguousarray(np.asarray(rows, dtype=NUMBERS[inputs[0].type]))}


def differences(expected, found):
    """Rows and columns where an output differs by more than the tolerance, and the largest difference of numbers."""
    import numpy as np

    # Two classes may come as the probability of one.
    if found.ndim != expected.ndim or found.shape != expected.shape:
        if found.size != expected.size:
            raise Refusal(f"the converted model answers {list(found.shape)} where {list(expected.shape)} is expected")
        found = found.reshape(expected.shape)
    if expected.dtype.kind in "OSU" or found.dtype.kind in "OSU":
        apart = expected.astype(str) != found.astype(str)
        return apart, None
    one, other = expected.astype(np.float64), found.astype(np.float64)
    gap = np.abs(one - other)
    both_missing = np.isnan(one) & np.isnan(other)
    allowed = asked["tolerance"] * (1 + np.abs(one))
    apart = ~(gap <= allowed) & ~both_missing
    return apart, float(np.nanmax(gap, initial=0))


def compared(model, onnx_model, rows, parts):
    """Which rows differ, each with both values; and what was compared."""
    import numpy as np
    import onnxruntime

    session = onnxruntime.InferenceSession(onnx_model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    given = dict(zip(names, session.run(None, feeds_of(session, rows))))
    expected = answers_of(model, rows)
    found = given if set(expected) <= set(given) else dict(zip(expected, given.values()))
    if len(found) < len(expected):
        # Libraries' own boosters answer probabilities only.
        found = {name: value for name, value in zip(expected, given.values())}
    where, largest, differing = [], 0.0, np.zeros(len(rows), dtype=bool)
    for name, values in expected.items():
        apart, most = differences(values, np.asarray(found[name]))
        largest = max(largest, most or 0.0)
        by_row = apart.reshape(len(rows), -1)
        differing |= by_row.any(axis=1)
        ours = np.asarray(found[name]).reshape(len(rows), -1)
        theirs = values.reshape(len(rows), -1)
        for row, column in zip(*np.nonzero(by_row)):
            output = name if by_row.shape[1] == 1 else f"{name}[{column}]"
            where.append({"at": int(row), "output": output, "model": plain(theirs[row, column]), "onnx": plain(ours[row, column])})
    where.sort(key=lambda each: each["at"])
    places = [(part.of, place) for part in parts for place in part.places]
    first = [dict(zip(("of", "row"), places[each.pop("at")])) | each for each in where[:SHOWN]]
    return {
        "rows": len(rows),
        "compared": [{"of": part.of, "rows": len(part.rows), "all": part.all} for part in parts],
        "differing": int(differing.sum()),
        "max_difference": largest,
        "where": first,
        "outputs": names,
    }


def plain(value):
    value = value.item() if hasattr(value, "item") else value
    return value if isinstance(value, (int, float, str, bool)) or value is None else str(value)


# Logging


def log(onnx_model, model_info, rows, proof):
    import mlflow

    source = f"{asked['model']}/{asked['version']}"
    target = asked["register_as"]
    client = mlflow.MlflowClient()
    version = client.get_model_version(asked["model"], asked["version"])
    experiment = client.get_run(version.run_id).info.experiment_id if version.run_id else None
    signature = model_info.signature
    with mlflow.start_run(experiment_id=experiment, run_name=f"convert {source}", tags={"converted_from": source}):
        mlflow.log_params({"converted_from": source, "tolerance": asked["tolerance"], "rows": proof["rows"]})
        mlflow.log_metric("max_difference", proof["max_difference"])
        logged = mlflow.onnx.log_model(
            onnx_model,
            name="model",
            signature=signature,
            # Enough to stand for what is usual, when predictions are explained.
            input_example=rows[:EXAMPLE_ROWS],
        )
    tags = {
        "converted_from": source,
        "converted_by": proof["by"],
        "converted_max_difference": repr(proof["max_difference"]),
        "converted_rows": str(proof["rows"]),
        "converted_on": proof["on"][:TAG_MAX],
        "converted_tolerance": repr(asked["tolerance"]),
    }
    # Its tags come with it: whoever looks for what was made of the source finds all or nothing.
    made = mlflow.register_model(logged.model_uri, target, tags=tags)
    return {"model": target, "version": int(made.version), "tags": tags}


PACKAGES = {
    convert_sklearn: "skl2onnx",
    convert_xgboost: "onnxmltools",
    convert_lightgbm: "onnxmltools",
    convert_torch: "torch",
    convert_keras: "keras",
}


def main():
    needs("mlflow", "onnx", "onnxruntime", "pandas")
    import mlflow

    mlflow.set_tracking_uri(asked["url"])
    mlflow.set_registry_uri(asked["url"])
    say(f"reading models:/{asked['model']}/{asked['version']}")
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{asked['model']}/{asked['version']}"))
    model_info = mlflow.models.Model.load(str(folder))
    model, convert = load(folder, set(model_info.flavors) - {"python_function"})
    parts, left_out = parts_to_compare(model, model_info, folder)
    rows = together(parts)
    coerce_attributes()
    precisions = ["single", "double"] if convert is convert_sklearn else ["single"]
    best = None
    for precision in precisions:
        say(f"converting in {precision} precision")
        try:
            made = convert(model, rows, precision)
        except (Refusal, MemoryError):
            raise
        except Exception as error:
            if best is not None:
                say(f"converting failed: {error}"[:500])
                break
            raise Refusal(f"the converter gave up: {type(error).__name__}: {error}"[:2000]) from error
        say(f"comparing {len(rows)} rows")
        try:
            proof = compared(model, made, rows, parts)
        except (Refusal, MemoryError):
            raise
        except Exception as error:
            # What the first way gave is the better answer to what went wrong.
            if best is not None:
                say(f"comparing failed: {error}"[:500])
                break
            raise Refusal(f"the converted model cannot be run: {type(error).__name__}: {error}"[:2000]) from error
        proof["on"], proof["not_compared"] = told_of(parts, left_out), left_out
        proof["by"] = f"{version_of(PACKAGES[convert])}, {precision} precision"
        if best is None or proof["differing"] < best[1]["differing"]:
            best = made, proof
        if proof["differing"] == 0:
            break
    made, proof = best
    if proof["differing"] > 0:
        return {"converted": False, **proof}
    if asked["dry"]:
        return {"converted": True, **proof}
    say("logging the converted model")
    return {"converted": True, **proof, **log(made, model_info, rows, proof)}


TOO_LARGE = f"it needs more memory than the {asked.get('memory_bytes_max', 0) // 1024**2} MiB that its process may take; raise modelMemoryBytesMax"
try:
    outcome = main()
except Refusal as refusal:
    outcome = {"refused": str(refusal)}
except MemoryError:
    outcome = {"refused": TOO_LARGE}
print("\n" + json.dumps(outcome), flush=True)
