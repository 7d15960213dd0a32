/* device.h: registers of the STM32H743 that the port uses, named as in ST RM0433. */
#ifndef DEVICE_H
#define DEVICE_H

#include "cortex_m7.h"

#define PORT_INTERRUPTS 150

/* Reset and clock control. */
typedef struct {
    reg32 CR, HSICFGR, CRRCR, CSICFGR, CFGR, reserved0;
    reg32 D1CFGR, D2CFGR, D3CFGR, reserved1;
    reg32 PLLCKSELR, PLLCFGR, PLL1DIVR, PLL1FRACR;
    reg32 reserved2[(0xD4 - 0x38) / 4];
    reg32 AHB3ENR, AHB1ENR, AHB2ENR, AHB4ENR, APB3ENR, APB1LENR, APB1HENR, APB2ENR, APB4ENR;
} rcc_registers;

#define RCC ((rcc_registers *)0x58024400u)
#define RCC_CR_HSEON (1u << 16)
#define RCC_CR_HSERDY (1u << 17)
#define RCC_CR_HSEBYP (1u << 18)
#define RCC_CR_PLL1ON (1u << 24)
#define RCC_CR_PLL1RDY (1u << 25)
#define RCC_CFGR_SW_PLL1 3u
#define RCC_CFGR_SWS (7u << 3)
#define RCC_CFGR_SWS_PLL1 (3u << 3)
#define RCC_D1CFGR_HPRE_DIV2 (8u << 0)
#define RCC_D1CFGR_D1PPRE_DIV2 (4u << 4)
#define RCC_D2CFGR_D2PPRE1_DIV2 (4u << 4)
#define RCC_D2CFGR_D2PPRE2_DIV2 (4u << 8)
#define RCC_D3CFGR_D3PPRE_DIV2 (4u << 4)
#define RCC_PLLCKSELR_HSI 0u
#define RCC_PLLCKSELR_HSE 2u
#define RCC_PLLCKSELR_DIVM1(m) ((uint32_t)(m) << 4)
#define RCC_PLLCFGR_PLL1RGE_8_16_MHZ (3u << 2)
#define RCC_PLLCFGR_DIVP1EN (1u << 16)
#define RCC_PLL1DIVR_N1(n) ((uint32_t)(n) - 1u)
#define RCC_PLL1DIVR_P1(p) (((uint32_t)(p) - 1u) << 9)
#define RCC_AHB2ENR_SRAM123EN (7u << 29)
#define RCC_APB1LENR_USART3EN (1u << 18)
#define RCC_APB4ENR_SYSCFGEN (1u << 1)

/* Debug support, and a register of the AXI interconnect: how many reads the AXI SRAM may be asked at a time. */
#define DBGMCU_IDCODE (*(reg32 *)0x5C001000u)
#define DBGMCU_IDCODE_REV_ID(idcode) ((uint32_t)(idcode) >> 16)
#define SECOND_CUT 0x2000u /* revisions Z and Y have 0x1001 and 0x1003, X and V 0x2001 and 0x2003 */
#define AXI_TARG7_FN_MOD (*(reg32 *)0x51008108u)
#define AXI_FN_MOD_READ_ISS_OVERRIDE (1u << 0) /* one at a time */

/* Power control. */
typedef struct {
    reg32 CR1, CSR1, CR2, CR3, CPUCR, reserved0, D3CR;
} pwr_registers;

#define PWR ((pwr_registers *)0x58024800u)
#define PWR_CSR1_ACTVOSRDY (1u << 13)
#define PWR_CR3_BYPASS (1u << 0)
#define PWR_CR3_LDOEN (1u << 1)
#define PWR_CR3_SCUEN (1u << 2)
#define PWR_D3CR_VOSRDY (1u << 13)
#define PWR_D3CR_VOS1 (3u << 14)

/* System configuration: the overdrive of the core's voltage. */
#define SYSCFG_PWRCR (*(reg32 *)0x5800042Cu)
#define SYSCFG_PWRCR_ODEN 1u

/* Embedded flash. */
#define FLASH_ACR (*(reg32 *)0x52002000u)
#define FLASH_ACR_LATENCY 15u

/* General-purpose I/O; port 0 is A. */
typedef struct {
    reg32 MODER, OTYPER, OSPEEDR, PUPDR, IDR, ODR, BSRR, LCKR, AFR[2];
} gpio_registers;

#define GPIO(port) ((gpio_registers *)(0x58020000u + 0x400u * (uint32_t)(port)))
#define GPIO_OUTPUT 1u
#define GPIO_ALTERNATE 2u

/* Serial port. */
typedef struct {
    reg32 CR1, CR2, CR3, BRR, GTPR, RTOR, RQR, ISR, ICR, RDR, TDR;
} usart_registers;

#define USART3 ((usart_registers *)0x40004800u)
#define USART_AF 7u
#define USART_CR1_UE (1u << 0)
#define USART_CR1_TE (1u << 3)
#define USART_ISR_TXE (1u << 7)

#endif
