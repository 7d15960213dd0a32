// Stand-in for TFLM's header of this name: the declarations that seatool's C++ uses.
#pragma once

#include <cstdarg>
#include <cstddef>

extern "C" void DebugLog(const char *format, va_list args);
extern "C" int DebugVsnprintf(char *buffer, size_t size, const char *format, va_list args);
