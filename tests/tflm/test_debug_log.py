"""TFLM's messages: our formatter against Python's."""

from __future__ import annotations

import subprocess

import pytest
from seatool import resources
from stubbed import CPLUSPLUS, WARNINGS

CASES = {
    r'"plain"': "plain",
    r'"100%%"': "100%",
    r'"%d %i", -2147483647 - 1, 42': "-2147483648 42",
    r'"%u", 4294967295u': "4294967295",
    r'"%x %X", 0xbeefu, 0xBEEFu': "beef beef",
    r'"%ld %lu", -5L, 5UL': "-5 5",
    r'"%lld %llu", -9223372036854775807LL - 1, 18446744073709551615ULL': "-9223372036854775808 18446744073709551615",
    r'"%zu|%5d|%-5d|%05u", sizeof(char), 7, 8, 9u': "1|7|8|9",
    r'"%s and %s", "one", static_cast<const char *>(nullptr)': "one and (null)",
    r'"%c%c", 65, 66': "AB",
    r'"%f %.2f %g", -0.1255, 2.0, 1e3': "-0.126 2.000 1000.000",
    r'"%f %f %f", 1e300, -1e300, 0.0 / zero': "large -large nan",
    r'"%q %", 1': "q ",
    r'"Node %s (number %d) failed to prepare with status %d", "CONV_2D", 3, 1': (
        "Node CONV_2D (number 3) failed to prepare with status 1"
    ),
}


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Each case through DebugLog, under sanitizers."""
    folder = tmp_path_factory.mktemp("debug_log")
    calls = "".join(f'    log({case}); std::puts("");\n' for case in CASES)
    (folder / "main.cc").write_text(
        "#include <cstdio>\n"
        '#include "tensorflow/lite/micro/debug_log.h"\n'
        'extern "C" void console_text(const char *text) { std::fputs(text, stdout); }\n'
        "static void log(const char *format, ...)\n"
        "{\n    va_list args;\n    va_start(args, format);\n    DebugLog(format, args);\n    va_end(args);\n}\n"
        "int main()\n{\n    volatile double zero = 0;\n" + calls + "    char text[5];\n"
        '    va_list none = {};\n    std::printf("%d ", DebugVsnprintf(text, sizeof text, "too long", none));\n'
        "    std::puts(text);\n    return DebugVsnprintf(text, 0, text, none);\n}\n"
    )
    firmware = resources.firmware()
    command = ["g++", *CPLUSPLUS, *WARNINGS, "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    sources = [str(folder / "main.cc"), str(firmware / "tflm" / "debug_log.cc")]
    program = str(folder / "main")
    subprocess.run([*command, f"-I{firmware / 'port'}", *sources, "-o", program], check=True)
    return subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize(("index", "expected"), list(enumerate(CASES.values())))
def test_conversions(printed: list[str], index: int, expected: str) -> None:
    assert printed[index] == expected


def test_text_is_cut_to_the_buffer(printed: list[str]) -> None:
    assert printed[-1] == "4 too "
