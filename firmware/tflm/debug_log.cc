/* debug_log.cc: TFLM's messages on the console, without the C library's printf, its 20 KB and its heap. */
#include "tensorflow/lite/micro/debug_log.h"

#include <cstdint>

extern "C" {
#include "console.h"
}

namespace {

struct Text {
    char *at, *end; /* end: the place of the last terminating zero */
};

void put(Text &text, char c)
{
    if (text.at != text.end) {
        *text.at++ = c;
    }
}

void put(Text &text, const char *words)
{
    for (words = words ? words : "(null)"; *words != '\0'; words++) {
        put(text, *words);
    }
}

void put(Text &text, uint64_t value, unsigned base)
{
    char digits[20]; /* 2^64 has 20 */
    unsigned count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (count > 0) {
        put(text, digits[--count]);
    }
}

void put_signed(Text &text, int64_t value)
{
    if (value < 0) {
        put(text, '-');
    }
    put(text, value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value), 10);
}

/* Three decimals of a number below 2^63 / 1000. */
void put_real(Text &text, double value)
{
    if (!(value > -9.2e15 && value < 9.2e15)) {
        put(text, value > 0 ? "large" : value < 0 ? "-large" : "nan");
        return;
    }
    if (value < 0) {
        put(text, '-');
        value = -value;
    }
    uint64_t scaled = static_cast<uint64_t>(value * 1000 + 0.5);
    put(text, scaled / 1000, 10);
    put(text, '.');
    for (uint64_t unit = 100; unit > 0; unit /= 10) {
        put(text, static_cast<char>('0' + scaled / unit % 10));
    }
}

bool is_in(char c, const char *set)
{
    while (*set != '\0' && *set != c) {
        set++;
    }
    return *set != '\0';
}

/* The conversion whose % is behind us; returns what follows it. Flags, width and precision are passed over. */
const char *convert(Text &text, const char *format, va_list *args)
{
    unsigned longs = 0;
    for (; *format != '\0' && is_in(*format, "-+ #.0123456789hlzt"); format++) {
        longs += *format == 'l' ? 1u : is_in(*format, "zt") && sizeof(size_t) > sizeof(int) ? 2u : 0u;
    }
    switch (*format) {
    case '\0': return format;
    case 'c': put(text, static_cast<char>(va_arg(*args, int))); break;
    case 's': put(text, va_arg(*args, const char *)); break;
    case 'p': put(text, reinterpret_cast<uintptr_t>(va_arg(*args, void *)), 16); break;
    case 'd':
    case 'i':
        put_signed(text, longs > 1 ? va_arg(*args, long long) : longs ? va_arg(*args, long) : va_arg(*args, int));
        break;
    case 'u':
    case 'x':
    case 'X':
        put(text,
            longs > 1 ? va_arg(*args, unsigned long long)
            : longs   ? va_arg(*args, unsigned long)
                      : va_arg(*args, unsigned),
            *format == 'u' ? 10 : 16);
        break;
    case 'f':
    case 'e':
    case 'g': put_real(text, va_arg(*args, double)); break;
    default: put(text, *format); break;
    }
    return format + 1;
}

} // namespace

/* As vsnprintf, but numbers are not padded, and the length returned is of what fitted. */
extern "C" int DebugVsnprintf(char *buffer, size_t size, const char *format, va_list list)
{
    if (size == 0) {
        return 0;
    }
    va_list args;
    va_copy(args, list);
    Text text = {buffer, buffer + size - 1};
    while (*format != '\0') {
        char c = *format++;
        if (c == '%') {
            format = convert(text, format, &args);
        } else {
            put(text, c);
        }
    }
    *text.at = '\0';
    va_end(args);
    return static_cast<int>(text.at - buffer);
}

extern "C" void DebugLog(const char *format, va_list args)
{
    char text[160];
    DebugVsnprintf(text, sizeof text, format, args);
    console_text(text);
}
