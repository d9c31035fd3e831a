"""Runs one MLflow model in a process of its own and answers frames on file descriptor 3.

A frame is two little-endian u32, the bytes of a JSON header and the bytes of a body, then both. The body has the
numbers of all tensors in order, little-endian and each padded to 8 bytes; texts are in the header.
"""

import base64
import ctypes
import functools
import json
import math
import os
import re
import resource
import signal
import socket
import struct
import sys
import threading
import time

LENGTHS = struct.Struct("<II")
PARENT = int(sys.argv[1])
# What lies beside this file is not the model's to import.
sys.path.pop(0)


def die_with_parent():
    """Ends this process when the server is gone, however it went and whatever the model is doing."""
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    except (OSError, AttributeError):
        pass

    def watch():
        while os.getppid() == PARENT:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def bound_memory(megabytes):
    if megabytes > 0:
        limit = megabytes * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        # Should the machine run out of memory, this process goes and not the server.
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
    except OSError:
        pass


class Channel:
    def __init__(self):
        self.socket = socket.socket(fileno=3)
        # What the model starts has no part in it.
        os.set_inheritable(3, False)

    def receive(self):
        """The next header and body; none when the server has closed the channel."""
        lengths = self.exactly(LENGTHS.size)
        if lengths is None:
            return None
        header_bytes, body_bytes = LENGTHS.unpack(lengths)
        header = self.exactly(header_bytes)
        body = self.exactly(body_bytes)
        return None if header is None or body is None else (json.loads(bytes(header)), body)

    def exactly(self, size):
        data = bytearray(size)
        view = memoryview(data)
        while len(view) > 0:
            count = self.socket.recv_into(view)
            if count == 0:
                return None
            view = view[count:]
        return data

    def send(self, header, chunks=()):
        text = json.dumps(header).encode()
        body = b"".join(chunks)
        self.socket.sendall(LENGTHS.pack(len(text), len(body)) + text + body)


NUMPY_TYPES = {
    "bool": "?",
    "uint8": "u1",
    "uint16": "<u2",
    "uint32": "<u4",
    "uint64": "<u8",
    "int8": "i1",
    "int16": "<i2",
    "int32": "<i4",
    "int64": "<i8",
    "float16": "<f2",
    "float32": "<f4",
    "float64": "<f8",
}
COLUMN_TYPES = {
    "boolean": "bool",
    "integer": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
}
# Answers of these look at each row by itself, so rows of several callers can be answered together.
BY_ROW = {
    "mlflow.sklearn",
    "mlflow.xgboost",
    "mlflow.lightgbm",
    "mlflow.catboost",
    "mlflow.pytorch",
    "mlflow.tensorflow",
    "mlflow.keras.load",
    "mlflow.onnx",
}


def tensor_type(dtype):
    """The type on the wire of a numpy dtype; None for what travels as text."""
    if dtype.kind == "f":
        return "float32" if dtype.itemsize <= 4 else "float64"
    return dtype.name if dtype.name in NUMPY_TYPES else None


# ---- what the model takes


def inputs_of(model):
    """The inputs that the signature names, or the width that the model knows of itself."""
    schema = model.metadata.get_input_schema()
    if schema is None:
        width = getattr(getattr(model, "_model_impl", None), "n_features_in_", None)
        inner = getattr(getattr(model, "_model_impl", None), "sklearn_model", None)
        width = width or getattr(inner, "n_features_in_", None)
        return [{"name": "input", "type": "float64", "shape": [None, width]}]
    if schema.is_tensor_spec():
        return [tensor_input(spec) for spec in schema.inputs]
    return [column_input(spec, index) for index, spec in enumerate(schema.inputs)]


def tensor_input(spec):
    shape = [None if size == -1 else size for size in spec.shape]
    return {"name": spec.name or "input", "type": tensor_type(spec.type) or "string", "shape": shape}


def column_input(spec, index):
    kind = spec.type.name if hasattr(spec.type, "name") else "json"
    type_name = COLUMN_TYPES.get(kind, "string")
    name = str(index) if spec.name is None else str(spec.name)
    return {
        "name": name,
        "type": type_name,
        "shape": [None, 1],
        **({} if spec.required else {"optional": True}),
        **({"nullable": True} if type_name == "string" else {}),
        **({"json": True} if kind == "json" else {}),
    }


# ---- from tensors to what predict takes


def array_of(tensor, body, offset):
    import numpy as np

    count = math.prod(tensor["shape"])
    dtype = np.dtype(NUMPY_TYPES[tensor["type"]])
    array = np.frombuffer(body, dtype, count, offset).reshape(tensor["shape"])
    return array, offset + (array.nbytes + 7) // 8 * 8


def tensors_in(header, body):
    """Each input's name, its values, and its shape where they are texts."""
    import numpy as np

    offset, tensors = 0, []
    for tensor in header["inputs"]:
        if tensor["type"] == "string":
            values = np.empty(len(tensor["values"]), dtype=object)
            values[:] = tensor["values"]
            tensors.append((tensor["name"], values.reshape(tensor["shape"])))
        else:
            array, offset = array_of(tensor, body, offset)
            tensors.append((tensor["name"], array))
    return tensors


def model_input(model, tensors):
    schema = model.metadata.get_input_schema()
    if schema is None:
        return tensors[0][1] if len(tensors) == 1 else frame_of(tensors, {})
    if schema.is_tensor_spec():
        arrays = [cast(array, spec) for (_, array), spec in zip(tensors, schema.inputs)]
        if not schema.has_input_names():
            return arrays[0]
        return {spec.name: array for spec, array in zip(schema.inputs, arrays)}
    kinds = {str(spec.name): spec.type for spec in schema.inputs}
    frame = frame_of(tensors, kinds)
    if not schema.has_input_names():
        frame.columns = range(len(frame.columns))
    return frame


def cast(array, spec):
    if array.dtype == spec.type:
        return array
    if array.dtype == object and spec.type.kind in "US":
        return array.astype(spec.type.char)
    return array if spec.type.kind == "O" else array.astype(spec.type)


def frame_of(tensors, kinds):
    import numpy as np
    import pandas as pd

    columns = {name: column_of(array, kinds.get(name)) for name, array in tensors}
    if are_alike(list(columns.values())):
        # One block of memory is made, and read by models, in a quarter of the time that many take.
        return pd.DataFrame(np.column_stack(list(columns.values())), columns=list(columns), copy=False)
    return pd.DataFrame(columns, copy=False)


def are_alike(columns):
    """Whether these are several columns of one type of number."""
    import numpy as np

    kinds = {column.dtype if isinstance(column, np.ndarray) else None for column in columns}
    return len(columns) > 1 and len(kinds) == 1 and kinds.isdisjoint({None, np.dtype(object)})


@functools.cache
def text_type():
    """Whatever pandas makes of texts."""
    import pandas as pd

    return pd.Series([""]).dtype


def column_of(array, kind):
    import pandas as pd

    if array.ndim > 1 and array.size != array.shape[0]:
        return list(array)
    flat = array.reshape(-1)
    name = getattr(kind, "name", None)
    # Without rows, pandas would take what holds anything for numbers.
    if kind is not None and name is None:
        return pd.Series([None if text is None else json.loads(text) for text in flat], dtype=object)
    if name == "string":
        # So that a gap is the same alone and among texts.
        return pd.array(flat, dtype=text_type())
    if name == "datetime":
        return pd.Series(flat).astype("datetime64[ns]")
    if name == "binary":
        return pd.Series([None if text is None else base64.b64decode(text) for text in flat], dtype=object)
    return flat


# ---- from what predict gives to tensors


class Plain(Exception):
    """The answer is no table; it goes as JSON."""


def answer_of(raw):
    """The form of an answer and its tensors, as pairs of a header and bytes."""
    try:
        return table_of(raw)
    except Plain:
        text = json.dumps(jsonable(raw), cls=encoder())
        return "json", [text_tensor("predictions", [text], [1])]


def table_of(raw):
    import numpy as np
    import pandas as pd

    if isinstance(raw, pd.DataFrame):
        if not raw.columns.is_unique or len(raw.columns) == 0:
            raise Plain
        return "frame", [tensor_of(str(name), column_values(raw[name])) for name in raw.columns]
    if isinstance(raw, pd.Series):
        return "series", [tensor_of(str(raw.name or "0"), column_values(raw))]
    if hasattr(raw, "toarray") and hasattr(raw, "tocsr"):
        raw = raw.toarray()
    if isinstance(raw, np.ndarray) and raw.ndim > 0:
        return "array", [tensor_of("predictions", raw)]
    if isinstance(raw, dict) and raw and all(isinstance(name, str) for name in raw):
        return "dict", same_rows([tensor_of(name, block_of(value)) for name, value in raw.items()])
    if isinstance(raw, (list, tuple)):
        return "array", [tensor_of("predictions", block_of(raw))]
    raise Plain


def same_rows(tensors):
    if len({header["shape"][0] for header, _ in tensors}) > 1:
        raise Plain
    return tensors


def block_of(value):
    """A list as an array, if all its values are of one kind and it is even."""
    import numpy as np

    if isinstance(value, np.ndarray) and value.ndim > 0:
        return value
    if not isinstance(value, (list, tuple)):
        raise Plain
    leaves = list(leaves_of(value))
    kinds = {bool if isinstance(leaf, np.bool_) else type(leaf) for leaf in leaves}
    if any(isinstance(leaf, np.generic) for leaf in leaves) or kinds <= {bool} or kinds <= {int}:
        return even(np.array, value)
    if kinds <= {int, float, type(None)} and kinds != {type(None)} and type(None) not in kinds:
        return even(np.array, value)
    if kinds <= {str}:
        return even(lambda values: np.array(values, dtype=object), value)
    raise Plain


def leaves_of(value):
    for each in value:
        if isinstance(each, (list, tuple)):
            yield from leaves_of(each)
        else:
            yield each


def even(make, value):
    try:
        array = make(value)
    except (ValueError, OverflowError):
        raise Plain from None
    if array.dtype == object and any(isinstance(each, (list, tuple)) for each in array.reshape(-1)):
        raise Plain
    return array


def column_values(series):
    import numpy as np
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype) or series.dtype.kind == "M":
        return series.astype(object).to_numpy()
    if isinstance(series.dtype, np.dtype):
        return series.to_numpy()
    if series.dtype.kind in "iuf":
        gaps = series.isna().any()
        return series.to_numpy("float64", na_value=np.nan) if gaps else series.to_numpy(series.dtype.numpy_dtype)
    if series.dtype.kind == "b" and not series.isna().any():
        return series.to_numpy("bool")
    return series.astype(object).where(series.notna(), None).to_numpy()


def tensor_of(name, array):
    import numpy as np

    shape = list(array.shape)
    if array.dtype.kind in "biuf":
        type_name = tensor_type(array.dtype)
        block = np.ascontiguousarray(array, np.dtype(NUMPY_TYPES[type_name]))
        return {"name": name, "type": type_name, "shape": shape}, block.tobytes()
    flat = array.reshape(-1)
    if array.dtype.kind == "M":
        return text_tensor(name, [None if np.isnat(each) else str(each) for each in flat], shape)
    if array.dtype.kind == "U":
        return text_tensor(name, flat.tolist(), shape)
    if array.dtype.kind in "OS":
        return object_tensor(name, flat.tolist(), shape)
    raise Plain


def object_tensor(name, values, shape):
    import numpy as np

    kinds = {type(value) for value in values if not is_gap(value)}
    if all(issubclass(kind, (bool, np.bool_)) for kind in kinds) and kinds and no_gaps(values):
        return tensor_of(name, np.array(values, dtype="bool").reshape(shape))
    if all(issubclass(kind, (int, np.integer)) and kind is not bool for kind in kinds) and kinds and no_gaps(values):
        return whole_tensor(name, values, shape)
    if all(issubclass(kind, (float, int, np.number)) and kind is not bool for kind in kinds) and kinds:
        floats = [float("nan") if is_gap(value) else float(value) for value in values]
        return tensor_of(name, np.array(floats).reshape(shape))
    return text_tensor(name, [None if is_gap(value) else text_of(value) for value in values], shape)


def whole_tensor(name, values, shape):
    import numpy as np

    try:
        return tensor_of(name, np.array(values, dtype="int64").reshape(shape))
    except OverflowError:
        raise Plain from None


def is_gap(value):
    import pandas as pd

    return value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value)


def no_gaps(values):
    return not any(is_gap(value) for value in values)


def text_of(value):
    if isinstance(value, str):
        return value
    if isinstance(value, (bytes, bytearray)):
        return base64.encodebytes(value).decode("ascii")
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise Plain


def text_tensor(name, values, shape):
    return {"name": name, "type": "string", "shape": shape, "values": values}, b""


def jsonable(raw):
    import numpy as np
    import pandas as pd

    if isinstance(raw, np.ndarray):
        return raw.tolist()
    if isinstance(raw, pd.DataFrame):
        return raw.to_dict(orient="records")
    if isinstance(raw, pd.Series):
        return pd.DataFrame(raw).to_dict(orient="records")
    return raw


def encoder():
    from mlflow.utils.proto_json_utils import NumpyEncoder

    return NumpyEncoder


# ---- the life of the process


PATHS = re.compile(r"(?<![\w:/.])/(?:[^\s/:'\"()]+/)+([^\s/:'\"()]*)")


def told(error):
    """What went wrong, without telling where things lie on this machine."""
    text = str(error) or "no message"
    return PATHS.sub(r"\1", f"{type(error).__name__}: {text}")[:4000]


class Holder:
    def __init__(self, channel, megabytes):
        self.channel = channel
        self.megabytes = megabytes
        self.model = None

    def load(self, path):
        import mlflow.pyfunc

        self.model = mlflow.pyfunc.load_model(path)
        loader = str(self.model.metadata.flavors["python_function"].get("loader_module"))
        self.channel.send(
            {
                "type": "loaded",
                "inputs": inputs_of(self.model),
                "outputs": self.outputs(path),
                "joins": loader in BY_ROW,
            }
        )

    def outputs(self, path):
        """What the model says to its own example; without one, what its signature promises."""
        try:
            example = self.model.metadata.load_input_example(path)
            if example is not None:
                _, tensors = answer_of(self.model.predict(example))
                return [described(header) for header, _ in tensors]
        except Exception as error:  # An example that does not fit is found out when it is tried for real.
            print(f"the input example was not answered: {told(error)}", file=sys.stderr)
        return [{"name": "predictions", "type": "float64", "shape": [None]}]

    def infer(self, header, body):
        data = model_input(self.model, tensors_in(header, body))
        params = json.loads(header["params"]) if "params" in header else None
        raw = self.model.predict(data, params=params) if params else self.model.predict(data)
        form, tensors = answer_of(raw)
        chunks = [padded(block) for _, block in tensors]
        answer = {"type": "inferred", "id": header["id"], "form": form, "outputs": [each for each, _ in tensors]}
        self.channel.send(answer, chunks)

    def serve(self):
        while (frame := self.channel.receive()) is not None:
            header, body = frame
            try:
                if header["type"] == "load":
                    self.load(header["path"])
                elif header["type"] == "warm":
                    import mlflow.pyfunc  # noqa: F401
                elif header["type"] == "infer":
                    self.infer(header, body)
                else:
                    self.channel.send({"type": "pong", "id": header["id"]})
            except MemoryError:
                reason = f"it needs more memory than the {self.megabytes} MiB that its process may take"
                self.fail(header, "memory", reason)
            except BaseException as error:  # A model that calls sys.exit ends its answer, not the process.
                self.fail(header, "refused", told(error))

    def fail(self, header, kind, reason):
        import traceback

        traceback.print_exc()
        self.channel.send({"type": "failed", "id": header.get("id", 0), "kind": kind, "reason": reason})


def described(header):
    return {"name": header["name"], "type": header["type"], "shape": [None, *header["shape"][1:]]}


def padded(block):
    return block + bytes(-len(block) % 8)


def main():
    megabytes = int(sys.argv[2])
    die_with_parent()
    bound_memory(megabytes)
    # A signal to the whole group (Ctrl-C) is for the server: it drains first and then closes the channel.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Holder(Channel(), megabytes).serve()
    # Threads of the model's libraries do not hold the process up.
    os._exit(0)


main()
