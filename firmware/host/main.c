/* main.c: the test harness on this computer: `main REQUEST RESULTS`. For debuggers and sanitizers; nothing is counted.
 */
#include <stdio.h>
#include <stdlib.h>

#include "harness.h"
#include "port.h"

static const char *request_name, *results_name;
static FILE *request, *results;

void port_putc(char c)
{
    putchar(c);
}

bool harness_open_request(void)
{
    request = request_name ? fopen(request_name, "rb") : NULL;
    return request != NULL;
}

bool harness_open_results(void)
{
    results = fopen(results_name, "wb");
    return results != NULL;
}

bool harness_read(void *data, uint32_t bytes)
{
    return fread(data, 1, bytes, request) == bytes;
}

bool harness_write(const void *data, uint32_t bytes)
{
    return fwrite(data, 1, bytes, results) == bytes;
}

void *harness_memory(uint32_t bytes)
{
    return malloc(bytes);
}

uint64_t harness_instructions(void)
{
    return 0;
}

void harness_paint_stack(uint32_t pattern)
{
    (void)pattern;
}

uint32_t harness_stack_used(uint32_t pattern)
{
    (void)pattern;
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s REQUEST RESULTS\n", argv[0]);
        return 2;
    }
    request_name = argv[1];
    results_name = argv[2];
    int status = harness_run();
    return results && fclose(results) != 0 ? 1 : status;
}
