/* hardware.c: the STM32H743 port on this computer, with memory where the chip has registers.
 *
 *   hardware IDCODE FAILING   start the port; the wait number FAILING (from 0) is in vain; print what the registers say
 *   hardware wait             call the firmware's own wait_until on bits that never come
 *
 * Compiled with -DREAL_WAIT for the second use: otherwise wait_until is here, and the hardware is ready at once.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "board.h"
#include "clock.h"
#include "console.h"
#include "device.h"
#include "port.h"
#include "wait.h"

static const uintptr_t pages[] = {
    0x40004000, /* USART3 */
    0x51008000, /* AXI interconnect */
    0x52002000, /* flash */
    0x58000000, /* SYSCFG */
    0x58020000, /* GPIO A to D */
    0x58024000, /* RCC, PWR */
    0x5C001000, /* DBGMCU */
    0xE0001000, /* DWT */
    0xE000E000, /* system control */
};

static void map_registers(void)
{
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        void *page = (void *)pages[i];
        if (mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != page) {
            perror("mmap");
            exit(2);
        }
    }
}

#ifndef REAL_WAIT
static int waits, failing = -1;

bool wait_until(const reg32 *flags, uint32_t mask, uint32_t value)
{
    if (flags == &USART3->ISR) { /* there is room once the last character has gone */
        if (USART3->TDR != 0) {
            putchar((int)USART3->TDR);
        }
        USART3->TDR = 0;
        return true;
    }
    if (waits++ == failing) {
        return false;
    }
    reg32 *hardware = (reg32 *)(uintptr_t)flags;
    *hardware = (*hardware & ~mask) | value;
    return true;
}
#endif

_Noreturn void app_stop(int status)
{
    exit(status);
}

static void print(const char *name, uint32_t value)
{
    printf("%s %u\n", name, (unsigned)value);
}

int main(int argc, char **argv)
{
    map_registers();
#ifdef REAL_WAIT
    (void)argc, (void)argv;
    print("returned", wait_until(&RCC->CR, RCC_CR_PLL1RDY, RCC_CR_PLL1RDY));
    print("ready", wait_until(&RCC->CR, RCC_CR_PLL1RDY, 0));
    port_putc('x');
    print("sent", USART3->TDR);
#else
    DBGMCU_IDCODE = (uint32_t)strtoul(argv[1], NULL, 16);
    failing = argc > 2 ? atoi(argv[2]) : -1;
    port_early_init();
    print("axi_override", AXI_TARG7_FN_MOD);
    print("sram123", RCC->AHB2ENR >> 29);
    print("early_rate", USART3->BRR);
    print("early_console", USART3->CR1);
    print("tx_mode", GPIO(BOARD_CONSOLE_TX_PORT)->MODER >> 2u * BOARD_CONSOLE_TX_PIN & 3u);
    port_init();
    (void)wait_until(&USART3->ISR, USART_ISR_TXE, USART_ISR_TXE);
    print("waits", (uint32_t)waits);
    print("rate", USART3->BRR);
    print("hz", port_ticks_hz());
    print("switch", RCC->CFGR & 7u);
    print("latency", FLASH_ACR & 15u);
    print("overdrive", SYSCFG_PWRCR);
    print("divm", RCC->PLLCKSELR >> 4);
    print("divn", (RCC->PLL1DIVR & 511u) + 1u);
    print("caches", SCB_CCR >> 16 & 3u);
    print("mpu", MPU_CTRL);
#endif
    return 0;
}
