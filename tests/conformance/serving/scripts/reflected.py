"""Asks TensorFlow Serving at ORRERY_GRPC with messages built of nothing but what reflection says, and prints the answer."""

import json
import os

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

channel = grpc.insecure_channel(os.environ["ORRERY_GRPC"])
pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))


def message(name):
    return GetMessageClass(pool.FindMessageTypeByName(f"tensorflow.serving.{name}"))


request = message("PredictRequest")()
request.model_spec.name = "half_plus_two"
request.model_spec.version.value = 1
request.inputs["x"].dtype = 1
request.inputs["x"].tensor_shape.dim.add().size = 2
request.inputs["x"].float_val.extend([1, 2])
predict = channel.unary_unary(
    "/tensorflow.serving.PredictionService/Predict",
    request_serializer=lambda each: each.SerializeToString(),
    response_deserializer=message("PredictResponse").FromString,
)
print(json.dumps(list(predict(request).outputs["y"].float_val)))
