/* lru.c: the plugin's cache as a shared library for tests. */
#include "cache.h"

static cache subject;

int lru_create(uint32_t bytes, uint32_t ways, uint32_t line_bytes)
{
    return cache_create(&subject, bytes, ways, line_bytes);
}

/* Bit 0: missed; bits 8 and up: one more than the region that was written back. */
int lru_access(uint32_t address, uint8_t region, int store)
{
    cache_result result = cache_access(&subject, address, region, store != 0);
    return result.missed | (result.written_back + 1) << 8;
}
