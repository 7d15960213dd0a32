/* console.h: text and numbers on the console, without printf and its 20 KB. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdint.h>

void console_text(const char *text);
void console_unsigned(uint64_t value);
void console_signed(int32_t value);
void console_hex(uint32_t value); /* 0x and eight digits */
void console_real(float value);   /* four decimals; |value| < 200000, else "inf" with its sign; "nan" */

#endif
