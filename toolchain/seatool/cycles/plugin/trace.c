/* trace.c: a plugin for QEMU that counts blocks, the ways between them, and what caches would do.
 *
 * Arguments, numbers in decimal:
 *   out=FILE                             where the counts go
 *   region=START:BYTES:ADDRESS:CACHED    memory at START in the emulator is at ADDRESS on the board
 *   icache=BYTES:WAYS:LINE  dcache=...   caches of the board; BYTES 0: none
 *   mark=ADDRESS                         entering this function opens a new segment; the first one starts the counts
 *   cold=ADDRESS                         as mark, and empties the caches
 *   stop=ADDRESS                         entering this function ends the counts
 *   skip=START:BYTES                     code that is not counted
 *   probe                                load, say so and exit
 *
 * The file has one line per fact, see write_all and write_segment.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "qemu_api.h"

#ifndef API_VERSION
#define API_VERSION 2
#endif

EXPORTED int qemu_plugin_version = API_VERSION;

enum { MAX_RANGES = 16, BUCKETS = 1 << 14, UNKNOWN = MAX_RANGES };

typedef struct {
    uint32_t start, bytes, board_address, cached;
} range;

typedef struct block block;

/* Executions of one block right after another; so many of them came as a surprise to the branch predictor. */
typedef struct {
    block *to;
    uint64_t count, mispredicted;
} edge;

struct block {
    block *same_bucket;
    uint32_t id, address, bytes, instructions;
    uint8_t region;
    bool is_mark, is_cold, is_stop, is_skipped;
    edge *edges;
    uint32_t edge_count;
    block *predicted;
    uint32_t confidence;
};

/* A load instruction. Two loads that issue together must not need the same bank of memory, even or odd words. */
typedef struct load {
    struct load *next;
    uint32_t address;
    uint64_t count, same_bank_as_before;
} load;

/* What happened in the caches while a segment ran, per region. */
typedef struct {
    uint64_t fetch_misses, read_misses, write_misses, written_back;
} traffic;

static struct {
    FILE *out;
    range regions[MAX_RANGES], skipped[MAX_RANGES];
    uint32_t marks[MAX_RANGES], region_count, skipped_count, mark_count;
    uint32_t cold, stop;
    cache instructions, data;

    block *buckets[BUCKETS], entry, *current;
    uint32_t block_count;
    load *loads;
    bool counting;
    uint32_t segment, last_word, last_fetched_line;
    uint64_t unaligned_loads;
    traffic traffic[MAX_RANGES];
    qemu_plugin_id_t id;
} trace;

static void *allocate(size_t bytes)
{
    void *memory = calloc(1, bytes);
    if (!memory) {
        fputs("seatool trace: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

static bool holds(const range *r, uint32_t address)
{
    return address - r->start < r->bytes;
}

static uint8_t region_of(uint32_t address)
{
    for (uint32_t i = 0; i < trace.region_count; i++) {
        if (holds(&trace.regions[i], address)) {
            return (uint8_t)i;
        }
    }
    return UNKNOWN;
}

static bool is_cached(uint8_t region)
{
    return region != UNKNOWN && trace.regions[region].cached;
}

static uint32_t on_board(uint8_t region, uint32_t address)
{
    return address - trace.regions[region].start + trace.regions[region].board_address;
}

/* segment ADDRESS / edge FROM TO COUNT MISPREDICTED ... / cache REGION FETCHES READS WRITES WRITTEN_BACK ... /
 * unaligned LOADS. FROM 0 is the start of the segment. */
static void write_edges(block *from)
{
    for (uint32_t i = 0; i < from->edge_count; i++) {
        edge *e = &from->edges[i];
        if (e->count) {
            fprintf(trace.out, "edge %" PRIu32 " %" PRIu32 " %" PRIu64 " %" PRIu64 "\n", from->id, e->to->id,
                    e->count, e->mispredicted);
            e->count = e->mispredicted = 0;
        }
    }
}

static void write_segment(void)
{
    fprintf(trace.out, "segment %" PRIu32 "\n", trace.segment);
    write_edges(&trace.entry);
    for (uint32_t i = 0; i < BUCKETS; i++) {
        for (block *b = trace.buckets[i]; b; b = b->same_bucket) {
            write_edges(b);
        }
    }
    for (uint32_t i = 0; i < trace.region_count; i++) {
        const traffic *t = &trace.traffic[i];
        fprintf(trace.out, "cache %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", i, t->fetch_misses,
                t->read_misses, t->write_misses, t->written_back);
    }
    fprintf(trace.out, "unaligned %" PRIu64 "\n", trace.unaligned_loads);
    memset(trace.traffic, 0, sizeof trace.traffic);
    trace.unaligned_loads = 0;
}

/* block ID ADDRESS INSTRUCTIONS ... / load ADDRESS COUNT SAME_BANK_AS_BEFORE ... / end */
static void write_all(void)
{
    for (uint32_t i = 0; i < BUCKETS; i++) {
        for (const block *b = trace.buckets[i]; b; b = b->same_bucket) {
            fprintf(trace.out, "block %" PRIu32 " %" PRIu32 " %" PRIu32 "\n", b->id, b->address, b->instructions);
        }
    }
    for (const load *l = trace.loads; l; l = l->next) {
        if (l->count) {
            fprintf(trace.out, "load %" PRIu32 " %" PRIu64 " %" PRIu64 "\n", l->address, l->count,
                    l->same_bank_as_before);
        }
    }
    fputs("end\n", trace.out);
    fclose(trace.out);
}

static void ignore(qemu_plugin_id_t id)
{
    (void)id;
}

static void open_segment(const block *b)
{
    if (trace.counting) {
        write_segment();
    }
    trace.counting = !b->is_stop;
    trace.segment = b->address;
    trace.current = &trace.entry;
    if (b->is_cold) {
        cache_empty(&trace.instructions);
        cache_empty(&trace.data);
        trace.last_fetched_line = UINT32_MAX;
    }
    if (b->is_stop) {
        write_all();
        qemu_plugin_uninstall(trace.id, ignore);
    }
}

static edge *edge_to(block *from, block *to)
{
    for (uint32_t i = 0; i < from->edge_count; i++) {
        if (from->edges[i].to == to) {
            return &from->edges[i];
        }
    }
    edge *edges = realloc(from->edges, (from->edge_count + 1) * sizeof(edge));
    if (!edges) {
        fputs("seatool trace: out of memory\n", stderr);
        exit(1);
    }
    from->edges = edges;
    edges[from->edge_count] = (edge){to, 0, 0};
    return &edges[from->edge_count++];
}

/* A two-bit counter: two surprises in a row change what is expected after a block. */
static bool is_surprise(block *from, block *to)
{
    if (!from->predicted) {
        from->predicted = to;
    }
    if (from->predicted == to || from == &trace.entry) {
        from->confidence = 1;
        return false;
    }
    if (from->confidence) {
        from->confidence--;
    } else {
        from->predicted = to;
    }
    return true;
}

static void fetch(const block *b)
{
    if (!is_cached(b->region) || !trace.instructions.sets) {
        return;
    }
    uint32_t start = on_board(b->region, b->address), line_bytes = trace.instructions.line_bytes;
    for (uint32_t line = start / line_bytes; line <= (start + b->bytes - 1) / line_bytes; line++) {
        if (line != trace.last_fetched_line) {
            trace.last_fetched_line = line;
            cache_result result = cache_access(&trace.instructions, line * line_bytes, b->region, false);
            trace.traffic[b->region].fetch_misses += result.missed;
        }
    }
}

static void on_block(unsigned cpu, void *data)
{
    (void)cpu;
    block *b = data;
    if (b->is_mark) {
        open_segment(b);
    }
    if (!trace.counting || b->is_skipped) {
        return;
    }
    edge *e = edge_to(trace.current, b);
    e->count++;
    e->mispredicted += is_surprise(trace.current, b);
    fetch(b);
    trace.current = b;
}

static void on_access(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t long_address, void *data)
{
    (void)cpu;
    if (!trace.counting) {
        return;
    }
    load *instruction = data;
    uint32_t address = (uint32_t)long_address, bytes = 1u << qemu_plugin_mem_size_shift(info);
    bool store = qemu_plugin_mem_is_store(info);
    if (!store) {
        uint32_t word = address / 4;
        instruction->count++;
        instruction->same_bank_as_before += ((word ^ trace.last_word) & 1u) == 0;
        trace.last_word = word;
        trace.unaligned_loads += bytes <= 4 && address % bytes != 0;
    }
    uint8_t region = region_of(address);
    if (is_cached(region) && trace.data.sets) {
        traffic *t = &trace.traffic[region];
        cache_result result = cache_access(&trace.data, on_board(region, address), region, store);
        *(store ? &t->write_misses : &t->read_misses) += result.missed;
        if (result.written_back >= 0) {
            trace.traffic[result.written_back].written_back++;
        }
    }
}

static bool is_listed(const uint32_t *list, uint32_t count, uint32_t value)
{
    for (uint32_t i = 0; i < count; i++) {
        if (list[i] == value) {
            return true;
        }
    }
    return false;
}

static block *find_block(uint32_t address, uint32_t bytes, uint32_t instructions)
{
    block **bucket = &trace.buckets[address / 2 % BUCKETS];
    for (block *b = *bucket; b; b = b->same_bucket) {
        if (b->address == address && b->instructions == instructions) {
            return b;
        }
    }
    block *b = allocate(sizeof *b);
    b->same_bucket = *bucket;
    b->id = ++trace.block_count;
    b->address = address;
    b->bytes = bytes;
    b->instructions = instructions;
    b->region = region_of(address);
    b->is_cold = address == trace.cold;
    b->is_stop = address == trace.stop;
    b->is_mark = b->is_cold || b->is_stop || is_listed(trace.marks, trace.mark_count, address);
    for (uint32_t i = 0; i < trace.skipped_count; i++) {
        b->is_skipped |= holds(&trace.skipped[i], address);
    }
    *bucket = b;
    return b;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    size_t count = qemu_plugin_tb_n_insns(tb);
    struct qemu_plugin_insn *last = qemu_plugin_tb_get_insn(tb, count - 1);
    uint32_t start = (uint32_t)qemu_plugin_tb_vaddr(tb);
    uint32_t end = (uint32_t)qemu_plugin_insn_vaddr(last) + (uint32_t)qemu_plugin_insn_size(last);
    block *b = find_block(start, end - start, (uint32_t)count);
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, QEMU_PLUGIN_CB_NO_REGS, b);
    for (size_t i = 0; i < count && !b->is_skipped; i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(tb, i);
        load *l = allocate(sizeof *l);
        l->next = trace.loads;
        l->address = (uint32_t)qemu_plugin_insn_vaddr(instruction);
        trace.loads = l;
        qemu_plugin_register_vcpu_mem_cb(instruction, on_access, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, l);
    }
}

/* Up to four numbers separated by colons; how many there are. */
static int numbers(const char *text, uint32_t values[4])
{
    return sscanf(text, "%" SCNu32 ":%" SCNu32 ":%" SCNu32 ":%" SCNu32, &values[0], &values[1], &values[2],
                  &values[3]);
}

static bool take(const char *key, const char *value)
{
    uint32_t n[4] = {0};
    int count = numbers(value, n);
    if (!strcmp(key, "out")) {
        trace.out = fopen(value, "w");
        return trace.out != NULL;
    }
    if (!strcmp(key, "region") && count == 4 && trace.region_count < MAX_RANGES) {
        trace.regions[trace.region_count++] = (range){n[0], n[1], n[2], n[3]};
        return true;
    }
    if (!strcmp(key, "skip") && count == 2 && trace.skipped_count < MAX_RANGES) {
        trace.skipped[trace.skipped_count++] = (range){n[0], n[1], 0, 0};
        return true;
    }
    if (!strcmp(key, "mark") && count == 1 && trace.mark_count < MAX_RANGES) {
        trace.marks[trace.mark_count++] = n[0];
        return true;
    }
    if (!strcmp(key, "icache") || !strcmp(key, "dcache")) {
        return count == 3 && cache_create(key[0] == 'i' ? &trace.instructions : &trace.data, n[0], n[1], n[2]);
    }
    if (!strcmp(key, "cold") || !strcmp(key, "stop")) {
        *(key[0] == 'c' ? &trace.cold : &trace.stop) = n[0];
        return count == 1;
    }
    return false;
}

EXPORTED int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        if (!strncmp(argv[i], "probe", 5)) {
            puts("seatool trace");
            exit(0);
        }
        if (value) {
            *value++ = 0;
        }
        if (!value || !take(argv[i], value)) {
            fprintf(stderr, "seatool trace: cannot use argument %s\n", argv[i]);
            return 1;
        }
    }
    trace.id = id;
    trace.current = &trace.entry;
    trace.last_fetched_line = UINT32_MAX;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    return 0;
}
