"""Arrays from files: the layouts that are taken, and one bad file per fault."""

from __future__ import annotations

from pathlib import Path

import make_invalid_arrays
import numpy as np
import pytest
from seatool.arrays import as_float32, read_arrays, read_examples
from seatool.errors import InputError
from seatool.ir import DType, Tensor

A, B = Tensor("a", (2, 3), DType.INT8), Tensor("b", (1,), DType.INT8)

EXPECTED = {
    "empty.npy": "not a readable .npy or .npz file (it begins with neither's signature)",
    "text.npy": "not a readable .npy or .npz file (it begins with neither's signature)",
    "cut_in_header.npy": "not a readable .npy or .npz file (EOF: reading array header",
    "cut_in_data.npy": "not a readable .npy or .npz file (Failed to read all data",
    "header_no_dictionary.npy": "not a readable .npy or .npz file (Header is not a dictionary",
    "header_nested.npy": "not a readable .npy or .npz file (",
    "header_unknown_type.npy": "not a readable .npy or .npz file (descr is not a valid dtype descriptor",
    "header_negative_shape.npy": "not a readable .npy or .npz file (",
    "header_huge_shape.npy": "not a readable .npy or .npz file (",
    "header_too_large_for_memory.npy": "the arrays do not fit into memory",
    "objects.npy": "not a readable .npy or .npz file (Object arrays cannot be loaded",
    "text_values.npy": "holds <U1, not numbers",
    "complex.npy": "holds complex128, not numbers",
    "dates.npy": "holds datetime64[s], not numbers",
    "records.npy": "holds [('x', 'i1')], not numbers",
    "booleans.npy": "holds bool, not numbers",
    "scalar.npy": "shape [] does not fit the model's input a [2, 3]",
    "wrong_shape.npy": "shape [2, 4] does not fit the model's input a [2, 3]",
    "part_of_a_batch.npy": "shape [5, 3] does not fit the model's input a [2, 3]",
    "no_examples.npy": "the array is empty",
    "nan.npy": "holds NaN or infinity",
    "infinity.npy": "holds NaN or infinity",
    "empty.npz": "not a readable .npy or .npz file (it begins with neither's signature)",
    "text.npz": "not a readable .npy or .npz file (it begins with neither's signature)",
    "no_arrays.npz": "holds nothing, but nothing for the model's input a, b",
    "cut.npz": "not a readable .npy or .npz file (File is not a zip file)",
    "damaged_member.npz": "not a readable .npy or .npz file (",
    "wrong_checksum.npz": "not a readable .npy or .npz file (Bad CRC-32",
    "unknown_compression.npz": "not a readable .npy or .npz file (That compression method is not supported)",
    "encrypted.npz": "not a readable .npy or .npz file (File 'a.npy' is encrypted",
    "huge.npz": "unpacks to more than 4 GB",
    "member_no_array.npz": "a is not an array",
    "member_objects.npz": "not a readable .npy or .npz file (Object arrays cannot be loaded",
    "missing_input.npz": "holds a, c, but nothing for the model's input b",
    "other_names.npz": "holds x, y, but nothing for the model's input a, b",
    "unnamed_too_many.npz": "holds arr_0, arr_1, arr_2, but nothing for the model's input a, b",
    "different_counts.npz": "the arrays hold different numbers of examples: [3, 2]",
}


def test_every_file_has_a_test() -> None:
    assert {path.name for path in make_invalid_arrays.FOLDER.iterdir()} == EXPECTED.keys()


@pytest.mark.filterwarnings("error")  # such as files left open
@pytest.mark.parametrize("name", EXPECTED)
def test_message_names_the_fault(name: str) -> None:
    file = make_invalid_arrays.FOLDER / name
    with pytest.raises(InputError) as caught:
        read_examples(file, [A] if file.suffix == ".npy" else [A, B])
    assert caught.value.message.startswith(f"{file}: {EXPECTED[name]}")


def test_what_is_no_file(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.npy"):
        with pytest.raises(InputError, match="there is no such file"):
            read_examples(path, [A])


@pytest.mark.parametrize(
    ("shape", "given", "count"),
    [
        ((2, 3), (2, 3), 1),
        ((2, 3), (5, 2, 3), 5),
        ((1, 3), (1, 3), 1),
        ((1, 3), (5, 1, 3), 5),
        ((1, 3), (5, 3), 5),
        ((), (), 1),
        ((), (4,), 4),
        ((1,), (4,), 4),
    ],
)
def test_one_example_or_several(tmp_path: Path, shape: tuple[int, ...], given: tuple[int, ...], count: int) -> None:
    values = np.arange(np.prod(given, dtype=int), dtype=np.int8).reshape(given)
    np.save(tmp_path / "x.npy", values)
    examples = read_examples(tmp_path / "x.npy", [Tensor("x", shape, DType.INT8)])
    assert [array.shape for (array,) in examples] == [shape] * count
    np.testing.assert_array_equal(np.concatenate([array.ravel() for (array,) in examples]), values.ravel())


def test_several_inputs_by_name_or_in_order(tmp_path: Path) -> None:
    a, b = np.full((2, 3), 1, np.int8), np.full(1, 2, np.int8)
    np.savez(tmp_path / "named.npz", b=b, more=b, a=a)
    np.savez_compressed(tmp_path / "ordered.npz", a, b)
    for name in ("named.npz", "ordered.npz"):
        ((first, second),) = read_examples(tmp_path / name, [A, B])
        assert (first.max(), second.max()) == (1, 2)


def test_a_single_array_may_have_any_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", whatever=np.ones((2, 3)))
    assert len(read_examples(tmp_path / "x.npz", [A])) == 1


def test_numbers_come_in_native_order(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(6, dtype=">i2").reshape(2, 3))
    ((values,),) = read_examples(tmp_path / "x.npy", [A])
    assert values.dtype == np.int16
    assert values.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_booleans_are_for_boolean_inputs(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((2, 3), bool))
    assert len(read_examples(tmp_path / "x.npy", [Tensor("x", (2, 3), DType.BOOL)])) == 1


def test_plain_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", one=1.5, two=np.arange(3))
    arrays = read_arrays(tmp_path / "x.npz")
    assert (arrays["one"].item(), arrays["two"].tolist()) == (1.5, [0, 1, 2])


def test_values_beyond_float32() -> None:
    assert as_float32(Path("x.npy"), np.array([1e30])).dtype == np.float32
    with pytest.raises(InputError, match=r"x\.npy: holds values beyond float32"):
        as_float32(Path("x.npy"), np.array([1e300]))
