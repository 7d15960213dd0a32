/* guard.h: see guard.c. */
#ifndef GUARD_H
#define GUARD_H

#include <stdint.h>

/* What ended a call: the signal (0: nothing did), the address it was about, and where the program was. */
typedef struct {
    int signal;
    uintptr_t address, program_counter;
} guard_fault;

guard_fault guard_call(void (*kernel)(const void *arguments), const void *arguments);

#endif
