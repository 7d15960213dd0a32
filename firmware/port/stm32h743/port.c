/* port.c: STM32H743. Written from ST RM0433 and compiled in every build, but never run on silicon.
 *
 * Console: USART3. Counter: the core's cycle counter.
 */
#include "port.h"

#include "board.h"
#include "clock.h"
#include "console.h"
#include "device.h"
#include "wait.h"

#define BAUD 115200u

static void gpio_mode(uint32_t port, uint32_t pin, uint32_t mode)
{
    RCC->AHB4ENR |= 1u << port;
    (void)RCC->AHB4ENR; /* the clock runs once the write has reached the register */
    GPIO(port)->MODER = (GPIO(port)->MODER & ~(3u << 2u * pin)) | mode << 2u * pin;
}

static void gpio_usart(uint32_t port, uint32_t pin)
{
    gpio_mode(port, pin, GPIO_ALTERNATE);
    uint32_t shift = 4u * (pin % 8u);
    reg32 *function = &GPIO(port)->AFR[pin / 8u];
    *function = (*function & ~(15u << shift)) | USART_AF << shift;
}

static void set_baud_rate(uint32_t core_hz)
{
    USART3->CR1 = 0; /* the rate may change while the port is off only */
    USART3->BRR = (core_hz / CLOCK_APB1_DIVIDER + BAUD / 2u) / BAUD;
    USART3->CR1 = USART_CR1_UE | USART_CR1_TE;
}

static void console_init(void)
{
    RCC->APB1LENR |= RCC_APB1LENR_USART3EN;
    (void)RCC->APB1LENR;
    set_baud_rate(CLOCK_RESET_HZ);
    gpio_usart(BOARD_CONSOLE_TX_PORT, BOARD_CONSOLE_TX_PIN);
}

/* Up to revision Y, reading the AXI SRAM can give wrong data unless it is asked for one thing at a time (ST ES0392,
 * "Reading from AXI SRAM may lead to data read corruption"). */
static void work_around_axi_sram(void)
{
    if (DBGMCU_IDCODE_REV_ID(DBGMCU_IDCODE) < SECOND_CUT) {
        AXI_TARG7_FN_MOD = AXI_FN_MOD_READ_ISS_OVERRIDE;
    }
}

static void enable_caches(void)
{
    CACHE_ICIALLU = 0;
    cpu_barrier();
    SCB_CCR |= SCB_CCR_IC;

    CACHE_CSSELR = 0;
    cpu_barrier();
    uint32_t ways = (CACHE_CCSIDR >> 3 & 0x3FFu) + 1u;
    uint32_t sets = (CACHE_CCSIDR >> 13 & 0x7FFFu) + 1u;
    for (uint32_t set = 0; set < sets; set++) {
        for (uint32_t way = 0; way < ways; way++) {
            CACHE_DCISW = way << 30 | set << 5; /* 4 ways, lines of 32 bytes */
        }
    }
    cpu_barrier();
    SCB_CCR |= SCB_CCR_DC;
    cpu_barrier();
}

static void protect(uint32_t region, uint32_t base, uint32_t attributes)
{
    MPU_RNR = region;
    MPU_RBAR = base;
    MPU_RASR = attributes | MPU_RASR_ENABLE;
}

/* Nothing may touch the external memories from 0x60000000 to 0xDFFFFFFF, or the core would read ahead in them although
 * they are not there (Arm erratum 1013783). The ITCM's 64 KB hold code by now and may not be written; nothing may touch
 * their first KB, where null pointers point. The rest is as it is at reset. */
static void enable_mpu(void)
{
    protect(0, 0x00000000u, MPU_RASR_SIZE(32) | MPU_RASR_WITHOUT(0x87) | MPU_RASR_XN);
    protect(1, 0x00000000u, MPU_RASR_SIZE(16) | MPU_RASR_READ_ONLY | MPU_RASR_NORMAL);
    protect(2, 0x00000000u, MPU_RASR_SIZE(10) | MPU_RASR_XN);
    cpu_barrier();
    MPU_CTRL = MPU_CTRL_ENABLE | MPU_CTRL_PRIVDEFENA;
    cpu_barrier();
}

static void counter_init(void)
{
    DEMCR |= DEMCR_TRCENA;
    DWT_LAR = DWT_LAR_UNLOCK;
    DWT_CYCCNT = 0;
    DWT_CTRL |= DWT_CTRL_CYCCNTENA;
}

void port_early_init(void)
{
    work_around_axi_sram();
    RCC->AHB2ENR |= RCC_AHB2ENR_SRAM123EN; /* off after reset, unlike the other memories */
    (void)RCC->AHB2ENR;
    clock_divide();
    console_init();
}

void port_init(void)
{
    const char *failed = clock_init();
    set_baud_rate(clock_core_hz());
    if (failed) {
        console_text("clock: ");
        console_text(failed);
        console_text("; the core runs at 64 MHz\n");
    }
    enable_mpu();
    enable_caches();
    counter_init();
#ifdef BOARD_LED_PORT
    gpio_mode(BOARD_LED_PORT, BOARD_LED_PIN, GPIO_OUTPUT);
#endif
}

/* A port that never has room loses the character: a report of a fault must not hang. */
void port_putc(char c)
{
    (void)wait_until(&USART3->ISR, USART_ISR_TXE, USART_ISR_TXE);
    USART3->TDR = (uint8_t)c;
}

uint32_t port_ticks(void)
{
    return DWT_CYCCNT;
}

uint32_t port_ticks_hz(void)
{
    return clock_core_hz();
}

void port_led(bool on)
{
#ifdef BOARD_LED_PORT
    GPIO(BOARD_LED_PORT)->BSRR = 1u << (on ? BOARD_LED_PIN : BOARD_LED_PIN + 16u);
#else
    (void)on;
#endif
}
