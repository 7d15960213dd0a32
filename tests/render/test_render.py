"""Rendered models: readable, warning-free C that computes what TFLM computes, the same bytes every time."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hosted import COMPILERS, SANITIZERS, WARNINGS, Hosted, assert_equal, build, write
from nets import act, binary, classifier, inputs_of, pointwise, pool, residual, table
from seatool import boards, plan, render, resources
from seatool.audio import LogMel
from seatool.importers import tflite
from seatool.ir import Graph
from seatool.tflm.reference import Reference

M7 = boards.load("m7")
ARM = ["arm-none-eabi-gcc", "-mcpu=cortex-m7", "-mthumb", "-mfpu=fpv5-d16", "-mfloat-abi=hard", "-std=c11", "-O2"]


def rendered(graph: Graph) -> dict[str, bytes]:
    return render.render(plan.plan(graph, M7))


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Hosted:
    return Hosted.of(residual(), M7, tmp_path_factory.mktemp("residual"))


def test_every_tensor_equals_tflm(hosted: Hosted) -> None:
    graph = residual()
    reference = Reference(tflite.write(graph), graph)
    cases = inputs_of(graph, 8)
    for case, got in zip(cases, hosted.run(cases), strict=True):
        assert_equal(got, reference.run(case))
        assert got.keys() == {"sum", "scaled", "small", "mean"}


def test_every_operator_family_equals_tflm(tmp_path: Path) -> None:
    graph = classifier()
    hosted = Hosted.of(graph, M7, tmp_path, plan.PlanOptions(fuse=False))
    reference = Reference(tflite.write(graph), graph)
    cases = inputs_of(graph, 5)
    for case, got in zip(cases, hosted.run(cases), strict=True):
        assert got.keys() == {t.name for t in graph.tensors.values() if not t.is_constant} - {"picture"}
        assert_equal(got, reference.run(case))


def test_calls_name_their_codes() -> None:
    code = rendered(classifier())
    (source,) = (text.decode() for name, text in code.items() if b"run_layers" in text)
    assert re.search(r"\.requantize = NN_(EXACT|SHORT|SHORT_RELU),", source)
    assert not re.search(r"\.requantize = \d", source)


@pytest.mark.parametrize(("compiler", "options"), [("gcc", ("-O3", "-flto")), ("clang", ("-O3",))])
def test_optimisers_find_no_aliasing_to_exploit(compiler: str, options: Sequence[str], tmp_path: Path) -> None:
    """Blocks are bytes that kernels also use as 32-bit words."""
    if compiler not in COMPILERS:
        pytest.skip(f"{compiler} is not installed")
    graph = classifier()
    hosted = Hosted.of(graph, M7, tmp_path)
    hosted.binary = build(hosted.folder, compiler, options)
    reference = Reference(tflite.write(graph), graph)
    (case,) = inputs_of(graph, 1)
    assert_equal(hosted.run([case])[0], reference.run(case))


def test_input_that_is_an_output_unused_input_and_output_given_twice(tmp_path: Path) -> None:
    tensors = table(act("x", (1, 4, 4, 2)), act("unused", (1, 3)), act("y", (1, 4, 4, 2)))
    graph = Graph("odd", tensors, (binary("ADD", "add", ("x", "x"), "y"),), ("x", "unused"), ("y", "x", "y"))
    hosted = Hosted.of(graph, M7, tmp_path)
    (case,) = inputs_of(graph, 1)
    (got,) = hosted.run([case])
    assert np.array_equal(got["x"], case[0])
    assert not np.array_equal(got["y"], case[0])


@pytest.mark.parametrize("compiler", COMPILERS)
def test_host_compilers_have_nothing_to_say(compiler: str, tmp_path: Path) -> None:
    build(write(rendered(residual()), tmp_path), compiler)


def test_the_sanitizer_sees_the_end_of_every_block_on_this_computer(hosted: Hosted, tmp_path: Path) -> None:
    for number, region in enumerate(hosted.program.blocks):
        (tmp_path / "main.c").write_text(
            f'#include "{hosted.folder}/app/binding.c"\n'
            "void model_layer_begin(uint32_t layer) { (void)layer; }\n"
            "void model_layer_end(uint32_t layer) { (void)layer; }\n"
            "int main(int argc, char **argv)\n{\n    (void)argv;\n"
            f"    volatile uint8_t *block = model_regions[{number}].base;\n"
            f"    return block[model_regions[{number}].bytes + (uint32_t)argc - 1u];\n}}\n"
        )
        include = [f"-I{path}" for path in (hosted.folder / "model", resources.firmware() / "app")]
        sources = [str(tmp_path / "main.c"), *map(str, sorted((hosted.folder / "model").glob("*.c")))]
        program = str(tmp_path / "main")
        subprocess.run(["gcc", *SANITIZERS, "-std=c11", *include, *sources, "-o", program], check=True)
        done = subprocess.run([program], capture_output=True, text=True)
        assert "global-buffer-overflow" in done.stderr, region


@pytest.mark.skipif(shutil.which("cppcheck") is None, reason="cppcheck is not installed")
def test_cppcheck_has_nothing_to_say(tmp_path: Path) -> None:
    """But that right shifts of negative numbers are the compiler's choice, which all of ours make alike."""
    for graph in (residual(), classifier()):
        folder = write(rendered(graph), tmp_path / graph.name)
        include = [f"-I{path}" for path in (folder / "model", resources.firmware() / "app")]
        kinds = ["--enable=warning,style,performance,portability", "--suppress=missingIncludeSystem"]
        kinds += ["--suppress=unusedStructMember", "--suppress=shiftTooManyBitsSigned", "--inline-suppr"]
        command = ["cppcheck", "--std=c11", "--platform=arm32-wchar_t4", "--quiet", *kinds, *include, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.stderr == ""


def test_target_compiler_has_nothing_to_say_and_keeps_one_symbol_per_layer(hosted: Hosted, tmp_path: Path) -> None:
    for source in ("model/net.c", "model/net_weights.c"):
        for hooks in ((), ("-DNN_HOOKS",)):
            done = [*ARM, *WARNINGS, *hooks, "-c", str(hosted.folder / source), "-o", str(tmp_path / "o.o")]
            subprocess.run(done, check=True)
        if source == "model/net.c":
            symbols = subprocess.run(["arm-none-eabi-nm", tmp_path / "o.o"], capture_output=True, text=True, check=True)
            names = {line.split()[-1] for line in symbols.stdout.splitlines()}
            assert {"layer_int", "layer_while", "layer_run", "layer_input", "net_run"} <= names
            assert not [line for line in symbols.stdout.splitlines() if line.split()[-2] in "bBdDcC"], "mutable globals"


def test_a_single_pixel_at_the_start_of_a_block_is_never_taken_for_null(tmp_path: Path) -> None:
    files = write(rendered(pointwise()), tmp_path)
    done = [*ARM, *WARNINGS, f"-I{files / 'model'}", "-c", str(files / "model/head.c"), "-o", str(tmp_path / "o.o")]
    subprocess.run(done, check=True)


def test_header_serves_c_plus_plus(hosted: Hosted, tmp_path: Path) -> None:
    (tmp_path / "main.cpp").write_text(
        '#include "net.h"\n'
        "NET_STATE(state);\n"
        "int main() { return net_run(&state, nullptr, nullptr, nullptr, nullptr); }\n"
    )
    model = hosted.folder / "model"
    for source in ("net.c", "net_weights.c"):
        subprocess.run(["gcc", "-std=c11", "-c", str(model / source), "-o", str(tmp_path / f"{source}.o")], check=True)
    objects = [str(tmp_path / "net.c.o"), str(tmp_path / "net_weights.c.o")]
    program = str(tmp_path / "main")
    subprocess.run(
        ["g++", "-std=c++11", *WARNINGS, f"-I{model}", str(tmp_path / "main.cpp"), *objects, "-o", program], check=True
    )
    subprocess.run([program], check=True)


API = """
#include <assert.h>
#include <string.h>
#include "net.h"
NET_STATE(a);
NET_STATE(b);
static const int input0_shape[NET_INPUT0_RANK] = NET_INPUT0_SHAPE;

int main(void)
{
    int8_t x[NET_INPUT0_BYTES], y[NET_INPUT1_BYTES], small[NET_OUTPUT0_BYTES], mean[NET_OUTPUT1_BYTES];
    for (int i = 0; i < NET_INPUT0_ELEMENTS; i++) {
        x[i] = (int8_t)(i * 7);
        y[i] = (int8_t)(i * 5);
    }
    assert(input0_shape[1] == 8 && NET_OUTPUT1_ELEMENTS == 24);

    /* Copied in and out, or already in place: the same result. A second state does not disturb the first. */
    assert(net_run(&a, x, y, small, mean) == 0);
    memcpy(net_input0(&b), x, sizeof x);
    memcpy(net_input1(&b), y, sizeof y);
    assert(net_run(&b, NULL, net_input1(&b), NULL, net_output1(&b)) == 0);
    assert(memcmp(net_output0(&b), small, sizeof small) == 0 && memcmp(net_output1(&b), mean, sizeof mean) == 0);
    assert(memcmp(net_output0(&a), small, sizeof small) == 0);

    /* Nothing is resident here: initialisation has nothing to do. */
    assert(net_init(&a) == 0 && net_init(NULL) == -1);

    /* A state that cannot work is refused. */
    net_state broken = a;
    broken.dtcm = NULL;
    assert(net_run(&broken, x, y, small, mean) == -1);
    broken.dtcm = a.dtcm + 8;
    assert(net_run(&broken, x, y, small, mean) == -1);
    assert(net_run(NULL, x, y, small, mean) == -1);

    /* scale 0.02, zero point 7: nearest, ties away from zero, saturated; NaN is the smallest. */
    assert(net_quantize_input1(0.0f) == 7 && net_quantize_input1(0.021f) == 8 && net_quantize_input1(-0.05f) == 4);
    assert(net_quantize_input1(1e30f) == 127 && net_quantize_input1(-1e30f) == -128);
    assert(net_quantize_input1(2.4f) == 127 && net_quantize_input1(-2.7f) == -128);
    assert(net_quantize_input1(__builtin_nanf("")) == -128);
    for (int q = -128; q < 128; q++) {
        assert(net_quantize_output0(net_dequantize_output0((int8_t)q)) == q);
    }
    return 0;
}
"""


def test_public_functions(hosted: Hosted, tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text(API)
    model = hosted.folder / "model"
    flags = ["-std=c11", *WARNINGS, "-Wno-conversion", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    files = [str(tmp_path / "main.c"), str(model / "net.c"), str(model / "net_weights.c")]
    subprocess.run(["gcc", *flags, f"-I{model}", *files, "-o", str(tmp_path / "main")], check=True)
    subprocess.run([str(tmp_path / "main")], check=True)


def test_only_kernels_in_use_are_taken_along() -> None:
    names = {Path(name).name for name in rendered(residual()) if name.startswith("model/nn/")}
    assert {"nn.h", "nn_add_s8.h", "nn_mul_s8.h", "nn_pool.h"} <= names
    assert "nn_extremum_s8.h" not in names


def test_code_for_the_itcm_is_marked_where_the_board_has_one() -> None:
    source = rendered(residual())["model/net.c"].decode()
    assert "#define NN_SHARED_CODE NN_FAST_CODE" in source
    assert source.count("\nNN_FAST_CODE LAYER_FUNCTION void layer_") == 4
    for program in (
        plan.plan(residual(), boards.load("mps2-an500")),
        plan.plan(residual(), M7, plan.PlanOptions(fast_code=False)),
    ):
        assert b"NN_FAST_CODE" not in render.render(program)["model/net.c"]


def test_two_renderings_are_equal() -> None:
    first, second = rendered(residual()), rendered(residual())
    assert first == second
    text = b"".join(first.values())
    assert str(Path.cwd()).encode() not in text


def test_equal_constants_share_one_array() -> None:
    graph = residual()
    twice = graph.with_(
        tensors=[*graph.tensors.values(), act("again", (1, 8, 6, 6), 0.06, -2)],
        ops=[
            *graph.ops[:2],
            graph.ops[1].__class__("again", "MUL", ("scaled", "factor"), ("again",), graph.ops[1].attributes, 2),
            pool("run", "again", "small"),
            graph.ops[3],
        ],
    )
    files = rendered(twice)
    assert files["model/net_weights.c"].count(b"const int8_t") == 1
    assert files["model/net.c"].count(b".input2 = net_while_input2") == 2


def test_model_called_model_does_not_clash_with_the_binding(tmp_path: Path) -> None:
    tensors = table(act("x", (1, 4, 4, 4)), act("y", (1, 2, 2, 4)))
    graph = Graph("model", tensors, (pool("only", "x", "y"),), ("x",), ("y",))
    hosted = Hosted.of(graph, M7, tmp_path)
    assert (tmp_path / "model" / "model_net.h").is_file()
    reference = Reference(tflite.write(graph), graph)
    (case,) = inputs_of(graph, 1)
    assert_equal(hosted.run([case])[0], reference.run(case))


def test_sound_goes_through_the_front_end(tmp_path: Path) -> None:
    front = LogMel.from_parameters(gain=0.1, offset=2.5)
    quant = {"scale": 8 / 255, "zero_point": 60}
    tensors = table(act("image", (1, 64, 50, 1), **quant), act("embedding", (1, 4, 4, 1), **quant))
    ops = (pool("squeeze", "image", "embedding", 16),)
    graph = Graph("ear", tensors, ops, ("image",), ("embedding",), frontend=front)
    hosted = Hosted.of(graph, M7, tmp_path)
    rng = np.random.default_rng(3)
    windows = [(rng.normal(size=8000) * level).astype(np.int16) for level in (3000, 10)]
    reference = Reference(tflite.write(graph), graph)
    for window, (got, embedding) in zip(windows, hosted.embed(windows), strict=True):
        expected = front.quantized(window, tensors["image"].quant)
        assert np.abs(got["image"][0].astype(int) - expected).max() <= 1
        assert_equal(got, reference.run([got["image"]]), skip=["image"])
        real = np.float32(tensors["embedding"].scale) * (got["embedding"].ravel().astype(np.float32) - 60)
        assert np.array_equal(embedding, real)
