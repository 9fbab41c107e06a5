import numpy as np
import pytest

from services.ranker.predict_protocol import decode_tensor, encode_tensor, tensor_pb2

FLOAT, INT32, STRING = 1, 3, 7


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int32, np.int64, np.bool_])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (2, 3)])
def test_arrays_come_back_as_they_were(packed, kind, shape):
    array = (np.arange(np.prod(shape, dtype=int)).reshape(shape) % 7).astype(kind)
    again = decode_tensor(encode_tensor(array, packed))
    assert again.dtype == array.dtype
    assert again.shape == array.shape
    assert (again == array).all()


def test_one_value_fills_the_shape():
    message = tensor_pb2.TensorProto(dtype=FLOAT, float_val=[0.5])
    message.tensor_shape.dim.add(size=3)
    assert decode_tensor(message).tolist() == [0.5, 0.5, 0.5]


def shaped(sizes, **values):
    message = tensor_pb2.TensorProto(**values)
    for size in sizes:
        message.tensor_shape.dim.add(size=size)
    return message


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (shaped([3], dtype=FLOAT, tensor_content=b"1234"), "needs 12 bytes"),
        (shaped([3], dtype=FLOAT, float_val=[1, 2]), "needs 3 values"),
        (shaped([-1], dtype=INT32, int_val=[1]), "negative"),
        (shaped([1], dtype=STRING, string_val=[b"a"]), "DT_STRING"),
        (shaped([1 << 40], dtype=FLOAT, float_val=[1]), "values"),
    ],
)
def test_broken_tensors_are_refused(message, reason):
    with pytest.raises(ValueError, match=reason):
        decode_tensor(message)
