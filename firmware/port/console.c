/* console.c: see console.h. */
#include "console.h"

#include "port.h"

void console_text(const char *text)
{
    while (*text != '\0') {
        port_putc(*text++);
    }
}

void console_unsigned(uint64_t value)
{
    char digits[20]; /* 2^64 has 20 */
    uint32_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10u);
        value /= 10u;
    } while (value != 0);
    while (count > 0) {
        port_putc(digits[--count]);
    }
}

void console_signed(int32_t value)
{
    if (value < 0) {
        port_putc('-');
        console_unsigned((uint64_t)-(int64_t)value);
    } else {
        console_unsigned((uint64_t)value);
    }
}

void console_hex(uint32_t value)
{
    console_text("0x");
    for (uint32_t shift = 32; shift > 0; shift -= 4) {
        port_putc("0123456789abcdef"[(value >> (shift - 4)) & 15u]);
    }
}

void console_real(float value)
{
    if (value != value) {
        console_text("nan");
        return;
    }
    if (value < 0.0f) {
        port_putc('-');
        value = -value;
    }
    if (value >= 200000.0f) {
        console_text("inf");
        return;
    }
    uint32_t scaled = (uint32_t)(value * 10000.0f + 0.5f);
    console_unsigned(scaled / 10000u);
    port_putc('.');
    for (uint32_t unit = 1000; unit > 0; unit /= 10) {
        port_putc((char)('0' + scaled / unit % 10u));
    }
}
