/* clock.c: core voltage, flash wait states and PLL1 for BOARD_CLOCK_HZ. Source: ST RM0433, chapters 4, 6 and 8.
 *
 * PLL1 multiplies the internal 64 MHz oscillator or an external clock to twice the core's frequency. The AXI bus and
 * all AHBs run at half the core's, the APBs at a quarter.
 */
#include "clock.h"

#include <stdbool.h>
#include <stddef.h>

#include "board.h"
#include "device.h"
#include "wait.h"

#define OVERDRIVE_HZ 400000000u /* above this the core needs voltage scale 0 */

#if BOARD_HSE_BYPASS_HZ
#define PLL_SOURCE RCC_PLLCKSELR_HSE
#define PLL_M (BOARD_HSE_BYPASS_HZ / 8000000u)
#define PLL_REFERENCE_HZ 8000000u
#else
#define PLL_SOURCE RCC_PLLCKSELR_HSI
#define PLL_M 4u
#define PLL_REFERENCE_HZ 16000000u
#endif
#define PLL_P 2u
#define PLL_N (PLL_P * (BOARD_CLOCK_HZ / PLL_REFERENCE_HZ))

_Static_assert(BOARD_CLOCK_HZ % PLL_REFERENCE_HZ == 0 && PLL_N >= 4u && PLL_N <= 512u, "PLL1 cannot make this clock");
_Static_assert(BOARD_CLOCK_HZ <= 480000000u, "the STM32H743 runs at 480 MHz at most");

static bool at_full_speed;

void clock_divide(void)
{
    RCC->D1CFGR = RCC_D1CFGR_HPRE_DIV2 | RCC_D1CFGR_D1PPRE_DIV2;
    RCC->D2CFGR = RCC_D2CFGR_D2PPRE1_DIV2 | RCC_D2CFGR_D2PPRE2_DIV2;
    RCC->D3CFGR = RCC_D3CFGR_D3PPRE_DIV2;
}

static bool check_revision(void)
{
    return BOARD_CLOCK_HZ <= OVERDRIVE_HZ || DBGMCU_IDCODE_REV_ID(DBGMCU_IDCODE) >= SECOND_CUT;
}

static bool raise_voltage(void)
{
    PWR->CR3 = (PWR->CR3 & ~PWR_CR3_BYPASS) | PWR_CR3_LDOEN | PWR_CR3_SCUEN;
    if (!wait_until(&PWR->CSR1, PWR_CSR1_ACTVOSRDY, PWR_CSR1_ACTVOSRDY)) {
        return false;
    }
    PWR->D3CR = PWR_D3CR_VOS1;
    if (!wait_until(&PWR->D3CR, PWR_D3CR_VOSRDY, PWR_D3CR_VOSRDY)) {
        return false;
    }
    if (BOARD_CLOCK_HZ <= OVERDRIVE_HZ) {
        return true;
    }
    RCC->APB4ENR |= RCC_APB4ENR_SYSCFGEN;
    (void)RCC->APB4ENR; /* the clock runs once the write has reached the register */
    SYSCFG_PWRCR |= SYSCFG_PWRCR_ODEN;
    return wait_until(&PWR->D3CR, PWR_D3CR_VOSRDY, PWR_D3CR_VOSRDY);
}

static bool start_external_clock(void)
{
    if (!BOARD_HSE_BYPASS_HZ) {
        return true;
    }
    RCC->CR |= RCC_CR_HSEBYP;
    RCC->CR |= RCC_CR_HSEON;
    return wait_until(&RCC->CR, RCC_CR_HSERDY, RCC_CR_HSERDY);
}

static bool start_pll(void)
{
    RCC->PLLCKSELR = PLL_SOURCE | RCC_PLLCKSELR_DIVM1(PLL_M);
    RCC->PLLCFGR = RCC_PLLCFGR_PLL1RGE_8_16_MHZ | RCC_PLLCFGR_DIVP1EN;
    RCC->PLL1DIVR = RCC_PLL1DIVR_N1(PLL_N) | RCC_PLL1DIVR_P1(PLL_P);
    RCC->CR |= RCC_CR_PLL1ON;
    return wait_until(&RCC->CR, RCC_CR_PLL1RDY, RCC_CR_PLL1RDY);
}

static bool set_flash_latency(void)
{
    FLASH_ACR = (FLASH_ACR & ~FLASH_ACR_LATENCY) | BOARD_FLASH_WAIT_STATES;
    return wait_until(&FLASH_ACR, FLASH_ACR_LATENCY, BOARD_FLASH_WAIT_STATES);
}

static bool switch_to_pll(void)
{
    RCC->CFGR |= RCC_CFGR_SW_PLL1;
    return wait_until(&RCC->CFGR, RCC_CFGR_SWS, RCC_CFGR_SWS_PLL1);
}

const char *clock_init(void)
{
    static const struct {
        bool (*start)(void);
        const char *problem;
    } steps[] = {
        {check_revision, "this revision of the chip does not run at 480 MHz"},
        {raise_voltage, "the core's voltage does not settle"},
        {start_external_clock, "the external clock does not start"},
        {start_pll, "PLL1 does not lock"},
        {set_flash_latency, "the flash does not take its wait states"},
        {switch_to_pll, "the core does not switch to PLL1"},
    };
    for (uint32_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (!steps[i].start()) {
            return steps[i].problem;
        }
    }
    at_full_speed = true;
    return NULL;
}

uint32_t clock_core_hz(void)
{
    return at_full_speed ? BOARD_CLOCK_HZ : CLOCK_RESET_HZ;
}
