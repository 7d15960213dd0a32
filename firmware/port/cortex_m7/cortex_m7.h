/* cortex_m7.h: the core's own registers that the ports use. Source: Arm DDI 0403 (Armv7-M), DDI 0489 (Cortex-M7). */
#ifndef CORTEX_M7_H
#define CORTEX_M7_H

#include <stdint.h>

typedef volatile uint32_t reg32;

/* System control block. */
#define SCB_VTOR (*(reg32 *)0xE000ED08u)  /* vector table offset */
#define SCB_CCR (*(reg32 *)0xE000ED14u)   /* configuration and control */
#define SCB_SHCSR (*(reg32 *)0xE000ED24u) /* system handler control */
#define SCB_CFSR (*(reg32 *)0xE000ED28u)  /* configurable fault status */
#define SCB_HFSR (*(reg32 *)0xE000ED2Cu)  /* hard fault status */
#define SCB_MMFAR (*(reg32 *)0xE000ED34u) /* address of a memory management fault */
#define SCB_BFAR (*(reg32 *)0xE000ED38u)  /* address of a bus fault */
#define SCB_CPACR (*(reg32 *)0xE000ED88u) /* coprocessor access */

#define SCB_CCR_DIV_0_TRP (1u << 4)
#define SCB_CCR_DC (1u << 16)
#define SCB_CCR_IC (1u << 17)
#define SCB_SHCSR_FAULTS (7u << 16) /* memory management, bus and usage faults have handlers of their own */
#define SCB_CPACR_FPU (0xFu << 20)  /* full access to CP10 and CP11 */

/* Cache maintenance. */
#define CACHE_CCSIDR (*(reg32 *)0xE000ED80u)  /* geometry of the selected cache */
#define CACHE_CSSELR (*(reg32 *)0xE000ED84u)  /* cache selection; 0: level 1 data */
#define CACHE_ICIALLU (*(reg32 *)0xE000EF50u) /* invalidate all instructions */
#define CACHE_DCISW (*(reg32 *)0xE000EF60u)   /* invalidate data by set and way */

/* Memory protection unit. */
#define MPU_CTRL (*(reg32 *)0xE000ED94u)
#define MPU_RNR (*(reg32 *)0xE000ED98u)
#define MPU_RBAR (*(reg32 *)0xE000ED9Cu)
#define MPU_RASR (*(reg32 *)0xE000EDA0u)

#define MPU_CTRL_ENABLE (1u << 0)
#define MPU_CTRL_PRIVDEFENA (1u << 2) /* the default memory map where no region matches */
#define MPU_RASR_ENABLE (1u << 0)
#define MPU_RASR_SIZE(bits) (((uint32_t)(bits) - 1u) << 1)       /* 2^bits bytes */
#define MPU_RASR_WITHOUT(eighths) ((uint32_t)(eighths) << 8)     /* subregions switched off, a bit each */
#define MPU_RASR_READ_ONLY (6u << 24)
#define MPU_RASR_NORMAL (1u << 19)                               /* memory, not cached */
#define MPU_RASR_XN (1u << 28)                                   /* not executable; access rights 0: none */

/* Cycle counter. */
#define DEMCR (*(reg32 *)0xE000EDFCu)
#define DWT_CTRL (*(reg32 *)0xE0001000u)
#define DWT_CYCCNT (*(reg32 *)0xE0001004u)
#define DWT_LAR (*(reg32 *)0xE0001FB0u)

#define DEMCR_TRCENA (1u << 24)
#define DWT_CTRL_CYCCNTENA 1u
#define DWT_LAR_UNLOCK 0xC5ACCE55u

static inline void cpu_barrier(void)
{
    __asm__ volatile("dsb\n\tisb" ::: "memory");
}

#endif
