/* wait.h: waiting for the hardware, with an end. */
#ifndef WAIT_H
#define WAIT_H

#include <stdbool.h>

#include "device.h"

/* Wait until the bits of `mask` in `flags` are `value`; false if they are not after a million looks. These take 20 ms at
 * 480 MHz and longer at less; what we wait for takes 2 ms at most. */
bool wait_until(const reg32 *flags, uint32_t mask, uint32_t value);

#endif
