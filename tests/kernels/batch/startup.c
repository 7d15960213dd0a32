/* Start-up for QEMU's mps2-an500: C runtime, FPU, and exit through semihosting, faults included. */
#include <stdint.h>
#include <stdlib.h>

extern uint32_t _stack_top[];
extern void initialise_monitor_handles(void);
extern int main(void);
void reset(void);
void _fini(void);

/* newlib's exit() calls it. */
void _fini(void)
{
}

void reset(void)
{
    extern uint32_t _data_start[], _data_end[], _data_load[], _bss_start[], _bss_end[];
    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* CPACR: FPU on */
    __asm volatile("dsb\n\tisb");
    for (uint32_t *to = _data_start, *from = _data_load; to < _data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = _bss_start; to < _bss_end;) {
        *to++ = 0;
    }
    initialise_monitor_handles();
    exit(main());
}

static void fault(void)
{
    _Exit(3);
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    _stack_top, reset, fault, fault, fault, fault, fault,
};
