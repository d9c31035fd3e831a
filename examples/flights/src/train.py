"""Fits gradient-boosted trees, turns them into one ONNX graph and registers it."""

import hashlib
import os
from pathlib import Path

os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
# Threads that spin while they wait take the processor from whatever else runs on this machine, and
# on a busy one they make the fit itself several times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import mlflow
import mlflow.onnx
import numpy as np
import onnx
import pandas as pd
import yaml
from mlflow.data.dataset_source_registry import get_dataset_source_from_json
from mlflow.data.meta_dataset import MetaDataset
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

from flights import CATEGORIES, FEATURES, KEY, LABEL, SCHEDULE, TIME, WEATHER

TRAIN = Path("data/prepared/train.parquet")
MODEL = Path("models/model.onnx")
NAME = "flights-late"
OUTPUT = "late_probability"


def fitted(rows: pd.DataFrame, params: dict):
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    # A carrier or airport that appears for the first time is its own category, not an error.
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer(
        [("codes", codes, CATEGORIES), ("numbers", "passthrough", SCHEDULE + WEATHER)]
    )
    trees = HistGradientBoostingClassifier(early_stopping=False, **params)
    return make_pipeline(columns, trees).fit(rows[FEATURES], rows[LABEL])


def as_onnx(pipeline) -> onnx.ModelProto:
    """One named input a column, one output: the probability that the flight is late."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType

    kinds = (
        dict.fromkeys(CATEGORIES, StringTensorType)
        | dict.fromkeys(SCHEDULE, Int64TensorType)
        | dict.fromkeys(WEATHER, FloatTensorType)
    )
    model = to_onnx(
        pipeline,
        name=NAME,
        initial_types=[(column, kinds[column]([None, 1])) for column in FEATURES],
        options={"zipmap": False},
        target_opset={"": 18, "ai.onnx.ml": 3},
    )
    take_plain_columns(model.graph)
    give_the_probability(model.graph)
    # The order in which the converter met the operator sets must not change the bytes.
    opsets = sorted(model.opset_import, key=lambda opset: opset.domain)
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    onnx.checker.check_model(model, full_check=True)
    return model


def take_plain_columns(graph: onnx.GraphProto) -> None:
    """Makes each input a vector, as mlflow's pyfunc feeds the columns of a data frame."""
    columns = {each.name: f"{each.name}_column" for each in graph.input}
    for node in graph.node:
        node.input[:] = [columns.get(name, name) for name in node.input]
    graph.initializer.append(onnx.numpy_helper.from_array(np.array([1]), "columnwise"))
    for each in reversed(graph.input):
        del each.type.tensor_type.shape.dim[1]
        upright = onnx.helper.make_node(
            "Unsqueeze", [each.name, "columnwise"], [columns[each.name]], f"Upright_{each.name}"
        )
        graph.node.insert(0, upright)


def give_the_probability(graph: onnx.GraphProto) -> None:
    """Replaces the outputs (label, probability of each class) by the probability of 'late'."""
    of_each_class = graph.output[1].name
    graph.initializer.append(onnx.numpy_helper.from_array(np.array(1), "late"))
    graph.node.append(
        onnx.helper.make_node("Gather", [of_each_class, "late"], [OUTPUT], "Late", axis=1)
    )
    del graph.output[:]
    graph.output.append(onnx.helper.make_tensor_value_info(OUTPUT, onnx.TensorProto.FLOAT, [None]))


def columns_of_the_data() -> Schema:
    kinds = (
        dict.fromkeys(CATEGORIES, "string")
        | dict.fromkeys(SCHEDULE, "long")
        | dict.fromkeys(WEATHER, "double")
    )
    return Schema([ColSpec(kinds[column], column) for column in FEATURES])


def signature() -> ModelSignature:
    return ModelSignature(columns_of_the_data(), Schema([ColSpec("float", OUTPUT)]))


def dataset() -> MetaDataset:
    """The rows trained on, under the digest that DVC knows them by."""
    extra = [ColSpec("long", KEY), ColSpec("datetime", TIME), ColSpec("long", LABEL)]
    return MetaDataset(
        source=get_dataset_source_from_json(f'{{"uri": "{TRAIN}"}}', "local"),
        name=TRAIN.stem,
        digest=hashlib.md5(TRAIN.read_bytes()).hexdigest(),
        schema=Schema(columns_of_the_data().inputs + extra),
    )


def requirements() -> list[str]:
    """What a process that serves the model needs, as pinned for this project."""
    from importlib.metadata import version

    return [f"{name}=={version(name)}" for name in ("mlflow", "onnx", "onnxruntime", "pandas")]


def main() -> None:
    params = yaml.safe_load(Path("params.yaml").read_text())["train"]
    rows = pd.read_parquet(TRAIN)
    with mlflow.start_run():
        seen = {"train_rows": len(rows), "train_until": rows[TIME].max().isoformat()}
        mlflow.log_params(params | seen)
        mlflow.log_input(dataset(), context="training")
        model = as_onnx(fitted(rows, params))
        MODEL.parent.mkdir(exist_ok=True)
        MODEL.write_bytes(model.SerializeToString(deterministic=True))
        mlflow.set_tag("model_sha256", hashlib.sha256(MODEL.read_bytes()).hexdigest())
        mlflow.onnx.log_model(
            model,
            name="model",
            registered_model_name=NAME,
            signature=signature(),
            input_example=rows[FEATURES].head(3),
            pip_requirements=requirements(),
            onnx_execution_providers=["CPUExecutionProvider"],
            save_as_external_data=False,
        )
    print(f"trained on {len(rows)} flights, {MODEL.stat().st_size} bytes")


if __name__ == "__main__":
    main()
