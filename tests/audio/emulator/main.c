/* Runs the front end on each window of windows[] and prints, a line each: instructions, decibels, output. */
#include <stdint.h>
#include <string.h>

#include "test_audio_tables.h"
#include "windows.h"

#define CPACR (*(volatile uint32_t *)0xe000ed88u)
/* 25 MHz; with -icount shift=6 an instruction takes 64 ns, 1.6 ticks. */
#define TICKS (*(volatile uint32_t *)0x40028018u)

enum { WRITE0 = 0x04, EXIT = 0x18, APPLICATION_EXIT = 0x20026 };

static float scratch[TEST_AUDIO_SCRATCH_FLOATS];
static int8_t output[BANDS * FRAMES];
static char text[sizeof(float) * BANDS * FRAMES * 2 + 2];

static void semihost(uint32_t operation, uint32_t argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register uint32_t r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

static void print_hex(const void *data, uint32_t size)
{
    const uint8_t *bytes = data;
    for (uint32_t i = 0; i < size; i++) {
        text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    memcpy(text + 2 * size, "\n", 2);
    semihost(WRITE0, (uint32_t)text);
}

void reset(void);

void reset(void)
{
    CPACR |= 0xfu << 20;
    __asm__ volatile("dsb\n isb");
    for (uint32_t i = 0; i < WINDOWS; i++) {
        uint32_t before = TICKS;
        audio_log_mel(&test_audio_tables, windows[i], scratch, output);
        uint32_t instructions = (TICKS - before) * 5 / 8;
        print_hex(&instructions, sizeof instructions);
        print_hex(scratch + TEST_AUDIO_SCRATCH_FLOATS - BANDS * FRAMES, sizeof(float) * BANDS * FRAMES);
        print_hex(output, sizeof output);
    }
    semihost(EXIT, APPLICATION_EXIT);
}

extern uint32_t initial_stack;

__attribute__((section(".vectors"), used)) static const void *const vectors[] = {&initial_stack, (const void *)reset};
