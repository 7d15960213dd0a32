/* clock.h: the clock tree. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

#define CLOCK_RESET_HZ 64000000u /* of the internal oscillator, which runs the core after reset */
#define CLOCK_APB1_DIVIDER 4u    /* from the core's clock, once clock_divide has run */

/* Let the buses run at half the core's clock and the APBs at a quarter, as the full clock needs. */
void clock_divide(void);

/* From the reset state to BOARD_CLOCK_HZ. Returns NULL, or why that is not possible: the core then stays on the
 * internal oscillator. */
const char *clock_init(void);

/* What the core runs at. */
uint32_t clock_core_hz(void);

#endif
