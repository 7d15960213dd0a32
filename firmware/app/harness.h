/* harness.h: what the test harness needs of the machine it runs on. semihosting.c and host/main.c implement it. */
#ifndef HARNESS_H
#define HARNESS_H

#include <stdbool.h>
#include <stdint.h>

/* Keeps the harness's own variables out of the RAM of the model's board. They are not cleared at the start. */
#ifdef __arm__
#define HARNESS_DATA __attribute__((section(".harness")))
#else
#define HARNESS_DATA
#endif

/* Run the model on the request, write the results, report on the console. Returns 0 if the test passed. */
int harness_run(void);

/* The request and the results are files. Reading and writing tell whether all bytes were transferred. */
bool harness_open_request(void); /* false: there is none */
bool harness_open_results(void);
bool harness_read(void *data, uint32_t bytes);
bool harness_write(const void *data, uint32_t bytes);

/* Memory outside the model's board: not cleared, never freed, aligned for any type; NULL when it is used up. */
void *harness_memory(uint32_t bytes);

/* Instructions executed since some moment; 0 where nothing counts them. To be called once in 2.6 G at least. */
uint64_t harness_instructions(void);

/* Fill the unused stack with a pattern; tell later how many bytes of it were used, at the deepest. */
void harness_paint_stack(uint32_t pattern);
uint32_t harness_stack_used(uint32_t pattern);

#endif
