/* wait.c: see wait.h. */
#include "wait.h"

#define LOOKS 1000000u

bool wait_until(const reg32 *flags, uint32_t mask, uint32_t value)
{
    for (uint32_t looks = 0; looks < LOOKS; looks++) {
        if ((*flags & mask) == value) {
            return true;
        }
    }
    return false;
}
