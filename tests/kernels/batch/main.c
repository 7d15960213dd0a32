/* Runs the generated cases: each kernel call against its expected bytes. Prints one line per case and a verdict. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

#if defined(__arm__)
/* FPGAIO's 25 MHz counter; with -icount shift=6 an instruction takes 64 ns, which is 1.6 ticks. */
static uint32_t instructions(void)
{
    return (uint32_t)((uint64_t)*(volatile uint32_t *)0x40028018u * 40 / 64);
}
#else
static uint32_t instructions(void)
{
    return 0;
}
#endif

/* Called where all cases and where each of them begin and end, for those who trace the program. Their values keep the
 * compiler from making one function of them. */
static volatile int mark;
#define MARK(name, value) \
    __attribute__((noinline)) static void name(void) \
    { \
        mark = value; \
    }
MARK(all_begin, 1)
MARK(case_begin, 2)
MARK(case_end, 3)
MARK(all_end, 4)

static int differs(const test_case *test, int index, const uint8_t *got)
{
    const test_output *output = &test->outputs[index];
    for (uint32_t i = 0; i < output->bytes; i++) {
        if (got[i] != output->expected[i]) {
            printf("FAIL %s: byte %u of output %d is %u, not %u\n", test->label, (unsigned)i, index, got[i],
                   output->expected[i]);
            return 1;
        }
    }
    return 0;
}

static int run(const test_case *test)
{
    void *outputs[MAX_OUTPUTS] = {0};
    for (int i = 0; i < test->output_count; i++) {
        outputs[i] = malloc(test->outputs[i].bytes);
        if (outputs[i] == NULL) {
            abort();
        }
        memset(outputs[i], 0xa5, test->outputs[i].bytes);
        if (test->outputs[i].before != NULL) {
            memcpy(outputs[i], test->outputs[i].before, test->outputs[i].bytes);
        }
    }
    void *scratch = malloc(test->scratch_bytes);
    if (test->fill != NULL) {
        test->fill();
    }
    case_begin();
    uint32_t start = instructions();
    test->layer(test->inputs, outputs, scratch);
    uint32_t count = instructions() - start;
    case_end();
    int failed = 0;
    for (int i = 0; i < test->output_count; i++) {
        failed |= differs(test, i, outputs[i]);
        free(outputs[i]);
    }
    free(scratch);
    if (!failed) {
        printf("OK %s %u\n", test->label, (unsigned)count);
    }
    return failed;
}

int main(void)
{
    int failures = 0;
    all_begin();
    for (int i = 0; i < test_case_count; i++) {
        failures += run(&test_cases[i]);
    }
    all_end();
    printf("%s: %d of %d differ\n", failures ? "FAILED" : "PASSED", failures, test_case_count);
    return failures != 0;
}
