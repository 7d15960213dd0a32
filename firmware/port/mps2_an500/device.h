/* device.h: registers of the Arm MPS2+ AN500 that the port uses. Source: Arm DAI 0500, Arm DDI 0479 (CMSDK). */
#ifndef DEVICE_H
#define DEVICE_H

#include "cortex_m7.h"

#define PORT_INTERRUPTS 32

/* CMSDK APB UART 0. */
typedef struct {
    reg32 data, state, ctrl, intstatus, bauddiv;
} cmsdk_uart;

#define UART0 ((cmsdk_uart *)0x40004000u)
#define UART_STATE_TX_FULL 1u
#define UART_CTRL_TX_ENABLE 1u

/* FPGA system control and I/O. */
#define FPGAIO_LED (*(reg32 *)0x40028000u)
#define FPGAIO_COUNTER (*(reg32 *)0x40028018u) /* counts the 25 MHz clock */

#define CLOCK_HZ 25000000u

#endif
