/* semihosting.c: the test harness in the emulator. Files are the host's, through semihosting; nothing else uses it.
 *
 * Instructions are counted by the clock: under `-icount shift=6` each takes 64 ns of virtual time, and the counter of
 * the machine ticks every 40 ns. Tick t = floor(8 n / 5) follows from n executed instructions, so n = ceil(5 t / 8).
 */
#include "harness.h"

#include <stddef.h>

#include "port.h"

/* Operations and modes of Arm's semihosting specification, 2.0. */
enum {
    SYS_OPEN = 0x01,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_EXIT_EXTENDED = 0x20,
    MODE_READ_BINARY = 1,
    MODE_WRITE_BINARY = 5,
    APPLICATION_EXIT = 0x20026,
};

/* From the linker script. */
extern uint32_t __stack_bottom[];

static HARNESS_DATA struct {
    int request, results;
    uint32_t memory_used;
    uint32_t last_tick;
    uint64_t ticks;
    uint32_t *stack_top;
} machine;

static int semihost(int operation, const void *argument)
{
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static int open_file(const char *name, uint32_t name_bytes, uint32_t mode)
{
    const uint32_t arguments[] = {(uint32_t)name, mode, name_bytes};
    return semihost(SYS_OPEN, arguments);
}

static bool transfer(int operation, int file, const void *data, uint32_t bytes)
{
    const uint32_t arguments[] = {(uint32_t)file, (uint32_t)data, bytes};
    return semihost(operation, arguments) == 0;
}

bool harness_open_request(void)
{
    static const char name[] = "request.bin";
    machine.request = open_file(name, sizeof name - 1u, MODE_READ_BINARY);
    return machine.request != -1;
}

bool harness_open_results(void)
{
    static const char name[] = "results.bin";
    machine.results = open_file(name, sizeof name - 1u, MODE_WRITE_BINARY);
    return machine.results != -1;
}

bool harness_read(void *data, uint32_t bytes)
{
    return transfer(SYS_READ, machine.request, data, bytes);
}

bool harness_write(const void *data, uint32_t bytes)
{
    return transfer(SYS_WRITE, machine.results, data, bytes);
}

void *harness_memory(uint32_t bytes)
{
    port_memory spare = port_spare_memory();
    uint32_t rounded = (bytes + 15u) & ~15u;
    if (rounded < bytes || rounded > spare.bytes - machine.memory_used) {
        return NULL;
    }
    uint8_t *block = spare.base + machine.memory_used;
    machine.memory_used += rounded;
    return block;
}

uint64_t harness_instructions(void)
{
    uint32_t tick = port_ticks();
    machine.ticks += tick - machine.last_tick;
    machine.last_tick = tick;
    return (5u * machine.ticks + 7u) / 8u;
}

/* volatile: the compiler must not turn these loops into calls, which would use the stack they work on. */
void harness_paint_stack(uint32_t pattern)
{
    uint32_t *sp;
    __asm__ volatile("mov %0, sp" : "=r"(sp));
    machine.stack_top = sp;
    for (volatile uint32_t *word = __stack_bottom; word < sp; word++) {
        *word = pattern;
    }
}

uint32_t harness_stack_used(uint32_t pattern)
{
    const volatile uint32_t *word = __stack_bottom;
    while (word < machine.stack_top && *word == pattern) {
        word++;
    }
    return (uint32_t)((const uint8_t *)machine.stack_top - (const uint8_t *)(uintptr_t)word);
}

_Noreturn void app_stop(int status)
{
    const uint32_t arguments[] = {APPLICATION_EXIT, (uint32_t)status};
    semihost(SYS_EXIT_EXTENDED, arguments);
    for (;;) {
    }
}

int main(void)
{
    machine.memory_used = 0;
    machine.ticks = machine.last_tick = port_ticks();
    return harness_run();
}
