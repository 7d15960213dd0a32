/* startup.c: vector table, reset, and the RAM that is left over. */
#include "device.h"
#include "fault.h"
#include "port.h"

/* From the linker script. */
extern uint32_t __stack_top[];
extern uint32_t __data_start[], __data_end[];
extern const uint32_t __data_load[];
extern uint32_t __itcm_start[], __itcm_end[];
extern const uint32_t __itcm_load[];
extern uint32_t __bss_start[], __bss_end[];
extern const port_memory __spare_start[], __spare_end[];

int main(void);
void port_reset(void);

typedef void (*vector)(void);

typedef struct {
    uint32_t *stack;
    vector handlers[15 + PORT_INTERRUPTS];
} vector_table;

/* No interrupt is used: one that comes is reported like a fault. */
static const vector_table vectors __attribute__((section(".vectors"), used)) = {
    __stack_top,
    {port_reset, [1 ... 14 + PORT_INTERRUPTS] = fault_entry},
};

static void copy(uint32_t *to, const uint32_t *end, const uint32_t *from)
{
    while (to != end) {
        *to++ = *from++;
    }
}

void port_reset(void)
{
    SCB_CPACR |= SCB_CPACR_FPU;
    SCB_VTOR = (uint32_t)&vectors;
    SCB_SHCSR |= SCB_SHCSR_FAULTS;
    SCB_CCR |= SCB_CCR_DIV_0_TRP;
    cpu_barrier();
    port_early_init();

    copy(__data_start, __data_end, __data_load);
    copy(__itcm_start, __itcm_end, __itcm_load);
    cpu_barrier(); /* before code that was just written is fetched */
    for (uint32_t *to = __bss_start; to != __bss_end; to++) {
        *to = 0;
    }
    port_init();
    app_stop(main());
}

/* The linker script lists the unused end of each region as {start, bytes}. */
port_memory port_spare_memory(void)
{
    port_memory largest = __spare_start[0];
    for (const port_memory *spare = __spare_start; spare != __spare_end; spare++) {
        if (spare->bytes > largest.bytes) {
            largest = *spare;
        }
    }
    return largest;
}
