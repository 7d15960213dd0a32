/* cortex_m7.h: the firmware's own, but for the instructions that only an Arm core has. */
#define cpu_barrier arm_barrier
#include_next "cortex_m7.h"
#undef cpu_barrier

static inline void cpu_barrier(void)
{
}
