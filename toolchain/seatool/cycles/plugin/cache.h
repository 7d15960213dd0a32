/* cache.h: a set-associative cache that replaces the least recently used line and writes back. */
#ifndef CACHE_H
#define CACHE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint64_t used; /* when; 0: the line is empty */
    uint32_t number;
    uint8_t region;
    bool dirty;
} cache_line;

typedef struct {
    uint32_t sets, ways, line_bytes; /* sets 0: no such cache */
    uint64_t time;
    cache_line *lines;
} cache;

/* What an access did: no region is -1. */
typedef struct {
    bool missed;
    int written_back; /* region of the modified line that had to leave */
} cache_result;

static inline bool cache_create(cache *c, uint32_t bytes, uint32_t ways, uint32_t line_bytes)
{
    uint32_t sets = ways && line_bytes ? bytes / ways / line_bytes : 0;
    *c = (cache){.sets = sets, .ways = ways, .line_bytes = line_bytes};
    c->lines = calloc((size_t)sets * ways + 1, sizeof(cache_line));
    return c->lines != NULL;
}

static inline void cache_empty(cache *c)
{
    memset(c->lines, 0, (size_t)c->sets * c->ways * sizeof(cache_line));
}

static inline cache_result cache_access(cache *c, uint32_t address, uint8_t region, bool store)
{
    uint32_t number = address / c->line_bytes;
    cache_line *set = &c->lines[(size_t)(number % c->sets) * c->ways];
    cache_line *oldest = set;
    c->time++;
    for (cache_line *line = set; line < set + c->ways; line++) {
        if (line->used && line->number == number) {
            line->used = c->time;
            line->dirty |= store;
            return (cache_result){false, -1};
        }
        if (line->used < oldest->used) {
            oldest = line;
        }
    }
    int written_back = oldest->used && oldest->dirty ? oldest->region : -1;
    *oldest = (cache_line){c->time, number, region, store};
    return (cache_result){true, written_back};
}

#endif
