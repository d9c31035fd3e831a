"""Asks TensorFlow Serving's services at ORRERY_GRPC with its own messages, as TensorFlow makes them, and prints what it saw."""

import json
import os

import grpc
import numpy
from pythie_serving.tensorflow_proto.tensorflow.core.example import example_pb2, feature_pb2
from pythie_serving.tensorflow_proto.tensorflow.core.framework import tensor_pb2, tensor_shape_pb2, types_pb2
from pythie_serving.tensorflow_proto.tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

channel = grpc.insecure_channel(os.environ["ORRERY_GRPC"])
predictions = prediction_service_pb2_grpc.PredictionServiceStub(channel)
models = model_service_pb2_grpc.ModelServiceStub(channel)

TYPES = {
    "float32": types_pb2.DT_FLOAT,
    "float64": types_pb2.DT_DOUBLE,
    "int64": types_pb2.DT_INT64,
    "bool": types_pb2.DT_BOOL,
    "object": types_pb2.DT_STRING,
}
LISTS = {
    "float32": "float_val",
    "float64": "double_val",
    "int64": "int64_val",
    "bool": "bool_val",
    "object": "string_val",
}


def proto(values, how="content", shape=None):
    """A tensor as tf.make_tensor_proto makes it: bytes for numbers, a list for texts and for what is to be filled."""
    array = numpy.asarray(values)
    made = tensor_pb2.TensorProto(
        dtype=TYPES[str(array.dtype)],
        tensor_shape=tensor_shape_pb2.TensorShapeProto(
            dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=size) for size in (shape or array.shape)]
        ),
    )
    if how == "content" and array.dtype != object:
        made.tensor_content = array.tobytes()
    else:
        flat = [text.encode() if isinstance(text, str) else text for text in array.ravel().tolist()]
        getattr(made, LISTS[str(array.dtype)]).extend(flat)
    return made


def ask(model, inputs, outputs=(), **spec):
    request = predict_pb2.PredictRequest(output_filter=outputs)
    request.model_spec.name = model
    for key, value in spec.items():
        if key == "version":
            request.model_spec.version.value = value
        else:
            setattr(request.model_spec, key, value)
    for name, tensor in inputs.items():
        request.inputs[name].CopyFrom(tensor)
    return request


def code(call):
    try:
        call()
        return "OK"
    except grpc.RpcError as error:
        return error.code().name


def feature(value):
    if isinstance(value, str):
        return feature_pb2.Feature(bytes_list=feature_pb2.BytesList(value=[value.encode()]))
    if isinstance(value, int):
        return feature_pb2.Feature(int64_list=feature_pb2.Int64List(value=[value]))
    return feature_pb2.Feature(float_list=feature_pb2.FloatList(value=[value]))


def example(**features):
    return example_pb2.Example(
        features=feature_pb2.Features(feature={name: feature(value) for name, value in features.items()})
    )


f32 = numpy.float32
flights = {
    "carrier": proto(numpy.array([["AA"], ["B6"]], dtype=object)),
    "hour": proto(numpy.array([[15], [8]], dtype=f32)),
    "distance": proto(numpy.array([900], dtype=f32), how="list", shape=(2, 1)),
}
row = dict(carrier="AA", hour=15, distance=900.0)
seen = {}

half = predictions.Predict(ask("half_plus_two", {"x": proto(numpy.array([1, 2, 5], dtype=f32))}))
seen["half"] = {
    "y": list(half.outputs["y"].float_val),
    "dtype": half.outputs["y"].dtype,
    "dim": [dim.size for dim in half.outputs["y"].tensor_shape.dim],
    "spec": [half.model_spec.name, half.model_spec.version.value, half.model_spec.signature_name],
}

answer = predictions.Predict(ask("late", flights))
seen["late"] = {
    "label": list(answer.outputs["label"].int64_val),
    "probabilities": [round(each, 3) for each in answer.outputs["probabilities"].float_val],
}
seen["filter"] = sorted(predictions.Predict(ask("late", flights, ["label"])).outputs)
seen["pinned"] = predictions.Predict(ask("late", flights, version=1)).model_spec.version.value

echo = predictions.Predict(
    ask(
        "echo",
        {
            "text": proto(numpy.array([["ä"], [""]], dtype=object)),
            "whole": proto(numpy.array([[2**53 + 1], [-(2**63)]], dtype=numpy.int64)),
            "single": proto(numpy.array([[numpy.nan], [0.1]], dtype=f32)),
            "double": proto(numpy.array([[-numpy.inf], [1e300]])),
            "flag": proto(numpy.array([[True], [False]])),
        },
    )
)
seen["echo"] = {
    "text": [text.decode() for text in echo.outputs["text_out"].string_val],
    "whole": [str(value) for value in echo.outputs["whole_out"].int64_val],
    "single": [str(f32(value)) for value in echo.outputs["single_out"].float_val],
    "double": [str(value) for value in echo.outputs["double_out"].double_val],
    "flag": list(echo.outputs["flag_out"].bool_val),
}

classify = classification_pb2.ClassificationRequest()
classify.model_spec.name = "late"
classify.input.example_list.examples.append(example(**row))
classes = predictions.Classify(classify).result.classifications[0].classes
seen["classes"] = [[each.label, round(each.score, 3)] for each in classes]

regress = regression_pb2.RegressionRequest()
regress.model_spec.name = "half_plus_two"
regress.input.example_list_with_context.examples.extend([example(), example()])
regress.input.example_list_with_context.context.CopyFrom(example(x=1.0))
seen["regress"] = [each.value for each in predictions.Regress(regress).result.regressions]

several = inference_pb2.MultiInferenceRequest()
task = several.tasks.add(method_name="tensorflow/serving/regress")
task.model_spec.name = "half_plus_two"
several.input.example_list.examples.append(example(x=3.0))
seen["several"] = [each.regression_result.regressions[0].value for each in predictions.MultiInference(several).results]

metadata = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
metadata.model_spec.name = "late"
signatures = get_model_metadata_pb2.SignatureDefMap()
predictions.GetModelMetadata(metadata).metadata["signature_def"].Unpack(signatures)
carrier = signatures.signature_def["serving_default"].inputs["carrier"]
seen["metadata"] = [carrier.name, carrier.dtype, [dim.size for dim in carrier.tensor_shape.dim]]

status = get_model_status_pb2.GetModelStatusRequest()
status.model_spec.name = "late"
seen["status"] = [
    [each.version, each.state, each.status.error_code] for each in models.GetModelStatus(status).model_version_status
]

wrong_type = {**flights, "hour": proto(numpy.array([[15.0], [8.0]]))}
short = tensor_pb2.TensorProto()
short.CopyFrom(flights["hour"])
short.tensor_content = short.tensor_content[:-1]
long = proto(numpy.array([1, 2, 3], dtype=f32), how="list", shape=(2, 1))
vast = proto(numpy.array([1], dtype=f32), how="list", shape=(2**31, 1))
no_text = proto(numpy.array([[b"\xff"], [b"x"]], dtype=object))
bad_status = get_model_status_pb2.GetModelStatusRequest()
bad_status.model_spec.name = "none"
seen["codes"] = {
    "unknown model": code(lambda: predictions.Predict(ask("none", flights))),
    "unknown version": code(lambda: predictions.Predict(ask("late", flights, version=9))),
    "unknown label": code(lambda: predictions.Predict(ask("late", flights, version_label="champion"))),
    "no model": code(lambda: predictions.Predict(predict_pb2.PredictRequest())),
    "signature": code(lambda: predictions.Predict(ask("late", flights, signature_name="other"))),
    "missing input": code(lambda: predictions.Predict(ask("late", {"hour": flights["hour"]}))),
    "unknown input": code(lambda: predictions.Predict(ask("late", {**flights, "other": flights["hour"]}))),
    "unknown output": code(lambda: predictions.Predict(ask("late", flights, ["other"]))),
    "wrong type": code(lambda: predictions.Predict(ask("late", wrong_type))),
    "short content": code(lambda: predictions.Predict(ask("late", {**flights, "hour": short}))),
    "long list": code(lambda: predictions.Predict(ask("late", {**flights, "hour": long}))),
    "vast shape": code(lambda: predictions.Predict(ask("late", {**flights, "hour": vast}))),
    "no text": code(lambda: predictions.Predict(ask("late", {**flights, "carrier": no_text}))),
    "no classifier": code(lambda: predictions.Classify(classification_pb2.ClassificationRequest(model_spec={"name": "half_plus_two"}, input=several.input))),
    "no examples": code(lambda: predictions.Regress(regression_pb2.RegressionRequest(model_spec={"name": "half_plus_two"}))),
    "field": code(lambda: predictions.GetModelMetadata(get_model_metadata_pb2.GetModelMetadataRequest(model_spec={"name": "late"}, metadata_field=["x"]))),
    "status": code(lambda: models.GetModelStatus(bad_status)),
    "reload": code(lambda: models.HandleReloadConfigRequest(model_management_pb2.ReloadConfigRequest())),
    "deadline": code(lambda: predictions.Predict(ask("loop", {"rounds": proto(numpy.array([[10**12]], dtype=numpy.int64))}), timeout=0.5)),
}

print(json.dumps(seen))
