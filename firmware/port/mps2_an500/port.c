/* port.c: Arm MPS2+ AN500, on the FPGA board or in QEMU (-M mps2-an500).
 *
 * In QEMU this machine stands for other boards: the MPU then allows exactly the memory that the board has, so that
 * anything else faults. The table is generated from the board's profile.
 */
#include "port.h"

#include "device.h"
#include "mpu_regions.h"

#define BAUD 115200u

static void enable_mpu(void)
{
    for (uint32_t i = 0; i < sizeof mpu_regions / sizeof mpu_regions[0]; i++) {
        MPU_RNR = i;
        MPU_RBAR = mpu_regions[i].base;
        MPU_RASR = mpu_regions[i].attributes;
    }
    cpu_barrier();
    MPU_CTRL = MPU_CTRL_ENABLE; /* no default map: what is not in the table faults */
    cpu_barrier();
}

void port_early_init(void)
{
    UART0->bauddiv = CLOCK_HZ / BAUD;
    UART0->ctrl = UART_CTRL_TX_ENABLE;
}

void port_init(void)
{
    enable_mpu();
}

void port_putc(char c)
{
    while (UART0->state & UART_STATE_TX_FULL) {
    }
    UART0->data = (uint8_t)c;
}

uint32_t port_ticks(void)
{
    return FPGAIO_COUNTER;
}

uint32_t port_ticks_hz(void)
{
    return CLOCK_HZ;
}

void port_led(bool on)
{
    FPGAIO_LED = on;
}
