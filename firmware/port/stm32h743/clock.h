/* clock.h: the clock tree. */
#ifndef CLOCK_H
#define CLOCK_H

#include "board.h"

#define CLOCK_APB1_HZ (BOARD_CLOCK_HZ / 4u)

/* From the reset state (internal oscillator) to BOARD_CLOCK_HZ. */
void clock_init(void);

#endif
