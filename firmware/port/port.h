/* port.h: what an application may ask of the hardware. Each folder beside this file implements it for one chip. */
#ifndef PORT_H
#define PORT_H

#include <stdbool.h>
#include <stdint.h>

/* All RAM and the console, so that a fault can be reported from here on. Runs once, before static variables have their
 * values: it must not use any. */
void port_early_init(void);

/* Clocks, caches, counter, memory protection. Runs once before main. */
void port_init(void);

/* One character to the serial console (115200 baud, 8N1); waits for room. */
void port_putc(char c);

/* A free-running counter that wraps at 2^32, and how often it counts per second. */
uint32_t port_ticks(void);
uint32_t port_ticks_hz(void);

void port_led(bool on);

/* The largest piece of RAM that the image does not use: an application's buffers can lie there. */
typedef struct {
    uint8_t *base;
    uint32_t bytes;
} port_memory;

port_memory port_spare_memory(void);

/* Provided by the application: how it ends, with a status as of main. The fault handler ends with PORT_FAULT. */
_Noreturn void app_stop(int status);

#define PORT_FAULT 70

#endif
