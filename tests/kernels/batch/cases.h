/* The generated cases. */
#ifndef CASES_H
#define CASES_H

#include <stddef.h>
#include <stdint.h>

#define MAX_INPUTS 48
#define MAX_OUTPUTS 16

typedef struct {
    const uint8_t *expected;
    const void *before; /* what a state holds before; NULL for other outputs */
    uint32_t bytes;
} test_output;

typedef struct {
    const char *label;
    void (*fill)(void); /* resident memory; NULL where there is none */
    void (*layer)(const void *const inputs[], void *const outputs[], void *scratch);
    const void *inputs[MAX_INPUTS];
    int output_count;
    test_output outputs[MAX_OUTPUTS];
    uint32_t scratch_bytes;
} test_case;

extern const test_case test_cases[];
extern const int test_case_count;

#endif
