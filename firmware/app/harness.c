/* harness.c: run the model on the inputs of a request file and write down everything that can be measured.
 *
 * The request is a header and then the inputs, `bytes` each: int8 tensors as model_run takes them, or with REQUEST_PCM
 * int16 samples for model_embed. Without a request file there is one input of zeros. The results are records, each a
 * header and a payload. All numbers are little-endian.
 *
 * With REQUEST_MEASURE the first input runs twice, each time from model_start on, on memory filled with a
 * pattern and then with its complement. What a run overwrites differs from at least one of the two, so the regions'
 * high-water marks are exact; and an output that depends on memory which the model never wrote comes out different,
 * which fails the test. Instructions and stack are measured on the first run, where nothing is traced.
 */
#include "harness.h"

#include <string.h>

#include "binding.h"
#include "console.h"

enum {
    REQUEST_MAGIC = 0x51414553, /* "SEAQ" */
    REQUEST_PCM = 1,
    REQUEST_TRACE = 2,
    REQUEST_MEASURE = 4,
};

typedef struct {
    uint32_t magic, flags, count, bytes;
} request_header;

typedef enum {
    RECORD_LAYER = 1,  /* index: layer;  instructions (8 bytes), name */
    RECORD_TOTAL = 2,  /* instructions (8 bytes), stack bytes (4 bytes) */
    RECORD_REGION = 3, /* index: region; bytes used (4 bytes), name */
    RECORD_TENSOR = 4, /* index: tensor; name */
    RECORD_TRACE = 5,  /* index: tensor; its bytes, of the input whose output follows */
    RECORD_OUTPUT = 6, /* index: input;  output */
    RECORD_END = 7,    /* index: number of inputs */
    RECORD_ARENA = 8,  /* bytes of an interpreter's arena in use (4 bytes) */
    RECORD_START = 9,  /* instructions of model_start (8 bytes) */
} record_kind;

typedef struct {
    uint32_t kind, index, bytes;
} record_header;

#define PATTERN 0xA5C3965Au

static HARNESS_DATA struct {
    request_header request;
    void *input, *outputs[2];
    uint32_t output_bytes;
    uint64_t *layer_instructions; /* per layer, and one more for calibration */
    uint32_t *region_used;
    uint64_t layer_start, starting, total;
    uint32_t layers_run, stack_used;
    bool from_file, tracing, write_failed;
} harness;

/* Costs of measuring, in instructions, to be subtracted. */
typedef struct {
    uint64_t reading; /* between two readings of the counter with nothing in between */
    uint64_t empty;   /* what a layer without instructions seems to cost */
    uint64_t hooks;   /* what the two hooks of a layer cost in fact */
} overhead;

static void payload(const void *data, uint32_t bytes)
{
    if (!harness_write(data, bytes)) {
        harness.write_failed = true;
    }
}

/* The header of a record; its payload of `bytes` has to follow. */
static void record(record_kind kind, uint32_t index, uint32_t bytes)
{
    record_header header = {kind, index, bytes};
    payload(&header, sizeof header);
}

static uint32_t length(const char *text)
{
    return (uint32_t)strlen(text);
}

static void trace(uint32_t layer)
{
    for (uint32_t i = 0; i < model_tensor_count; i++) {
        const model_tensor *tensor = &model_tensors[i];
        if (tensor->layer == layer) {
            record(RECORD_TRACE, i, tensor->bytes);
            payload(model_tensor_data(i), tensor->bytes);
        }
    }
}

/* Never inlined, so that they cost in calibration what they cost in the model. */
__attribute__((noinline)) void model_layer_begin(uint32_t layer)
{
    (void)layer;
    harness.layers_run++;
    harness.layer_start = harness_instructions();
}

__attribute__((noinline)) void model_layer_end(uint32_t layer)
{
    harness.layer_instructions[layer] += harness_instructions() - harness.layer_start;
    if (harness.tracing) {
        trace(layer);
    }
}

static overhead calibrate(void)
{
    uint64_t start = harness_instructions();
    uint64_t reading = harness_instructions() - start;

    harness.layer_instructions[model_layer_count] = 0;
    start = harness_instructions();
    model_layer_begin(model_layer_count);
    model_layer_end(model_layer_count);
    uint64_t both = harness_instructions() - start - reading;
    return (overhead){reading, harness.layer_instructions[model_layer_count], both};
}

static void paint_regions(uint32_t pattern)
{
    for (uint32_t r = 0; r < model_region_count; r++) {
        for (uint32_t i = 0; i < model_regions[r].bytes; i++) {
            model_regions[r].base[i] = (uint8_t)(pattern >> 8u * (i % 4u));
        }
    }
}

static void measure_regions(uint32_t pattern)
{
    for (uint32_t r = 0; r < model_region_count; r++) {
        uint32_t used = model_regions[r].bytes;
        while (used > harness.region_used[r]) {
            uint32_t last = used - 1u;
            if (model_regions[r].base[last] != (uint8_t)(pattern >> 8u * (last % 4u))) {
                harness.region_used[r] = used;
                break;
            }
            used--;
        }
    }
}

static const char *start_counted(void)
{
    uint64_t start = harness_instructions();
    const char *problem = model_start();
    harness.starting = harness_instructions() - start;
    return problem;
}

static const char *infer(void *output)
{
    bool pcm = harness.request.flags & REQUEST_PCM;
    int status = pcm ? model_embed((const int16_t *)harness.input, (float *)output)
                     : model_run((const int8_t *)harness.input, (int8_t *)output);
    return status ? "the model returned an error" : NULL;
}

static const char *infer_counted(void *output)
{
    memset(harness.layer_instructions, 0, model_layer_count * sizeof(uint64_t));
    harness.layers_run = 0;
    harness_paint_stack(PATTERN);
    uint64_t start = harness_instructions();
    const char *problem = infer(output);
    harness.total = harness_instructions() - start;
    harness.stack_used = harness_stack_used(PATTERN);
    return problem;
}

static void report_number(const char *label, const char *name, uint64_t value, const char *unit)
{
    console_text(label);
    console_text(name);
    console_text(" ");
    console_unsigned(value);
    console_text(unit);
}

static uint64_t less(uint64_t count, uint64_t measuring)
{
    return count > measuring ? count - measuring : 0;
}

static void write_counts(overhead cost)
{
    uint64_t starting = less(harness.starting, cost.reading);
    record(RECORD_START, 0, sizeof starting);
    payload(&starting, sizeof starting);
    report_number("  start", "", starting, " instructions\n");
    for (uint32_t layer = 0; layer < model_layer_count; layer++) {
        uint64_t count = less(harness.layer_instructions[layer], cost.empty);
        const char *name = model_layer_names[layer];
        record(RECORD_LAYER, layer, (uint32_t)sizeof count + length(name));
        payload(&count, sizeof count);
        payload(name, length(name));
        report_number("  layer ", name, count, "\n");
    }
    uint64_t total = less(harness.total, cost.reading + harness.layers_run * cost.hooks);
    record(RECORD_TOTAL, 0, sizeof total + sizeof harness.stack_used);
    payload(&total, sizeof total);
    payload(&harness.stack_used, sizeof harness.stack_used);
    report_number("  total", "", total, " instructions\n");
    report_number("  stack", "", harness.stack_used, " bytes\n");
}

static void write_regions(void)
{
    for (uint32_t r = 0; r < model_region_count; r++) {
        const model_region *region = &model_regions[r];
        record(RECORD_REGION, r, (uint32_t)sizeof(uint32_t) + length(region->name));
        payload(&harness.region_used[r], sizeof(uint32_t));
        payload(region->name, length(region->name));
        report_number("  region ", region->name, harness.region_used[r], " of");
        report_number("", "", region->bytes, " bytes\n");
    }
}

static void write_arena(void)
{
    uint32_t used = model_arena_used();
    if (used > 0) {
        record(RECORD_ARENA, 0, sizeof used);
        payload(&used, sizeof used);
        report_number("  arena", "", used, " bytes\n");
    }
}

/* NULL, or why the request cannot be served. */
static const char *read_request(void)
{
    request_header *request = &harness.request;
    uint32_t pcm_bytes = model_pcm_samples * (uint32_t)sizeof(int16_t);
    harness.from_file = harness_open_request();
    if (!harness.from_file) {
        bool pcm = model_pcm_samples > 0;
        uint32_t flags = REQUEST_MEASURE | (pcm ? REQUEST_PCM : 0u);
        *request = (request_header){REQUEST_MAGIC, flags, 1, pcm ? pcm_bytes : model_input_bytes};
        return NULL;
    }
    if (!harness_read(request, sizeof *request) || request->magic != REQUEST_MAGIC) {
        return "the request file is not a request";
    }
    if (request->flags & REQUEST_PCM && model_pcm_samples == 0) {
        return "the model has no audio front end";
    }
    if (request->bytes != (request->flags & REQUEST_PCM ? pcm_bytes : model_input_bytes)) {
        return "the inputs do not have the size that the model takes";
    }
    return NULL;
}

static const char *allocate(void)
{
    bool pcm = harness.request.flags & REQUEST_PCM;
    harness.output_bytes = pcm ? model_embedding_count * (uint32_t)sizeof(float) : model_output_bytes;
    harness.input = harness_memory(harness.request.bytes);
    harness.outputs[0] = harness_memory(harness.output_bytes);
    harness.outputs[1] = harness_memory(harness.output_bytes);
    harness.layer_instructions = harness_memory((model_layer_count + 1u) * (uint32_t)sizeof(uint64_t));
    harness.region_used = harness_memory((model_region_count + 1u) * (uint32_t)sizeof(uint32_t));
    if (!harness.input || !harness.outputs[0] || !harness.outputs[1] || !harness.layer_instructions ||
        !harness.region_used) {
        return "the inputs and outputs exceed the memory of the test harness";
    }
    memset(harness.input, 0, harness.request.bytes);
    memset(harness.region_used, 0, model_region_count * sizeof(uint32_t));
    return NULL;
}

static const char *run_measured(void)
{
    bool traced = harness.tracing;
    harness.tracing = false;
    overhead cost = calibrate();
    paint_regions(PATTERN);
    const char *problem = start_counted();
    problem = problem ? problem : infer_counted(harness.outputs[1]);
    if (problem) {
        return problem;
    }
    measure_regions(PATTERN);
    write_counts(cost);

    paint_regions(~PATTERN);
    harness.tracing = traced;
    problem = model_start();
    problem = problem ? problem : infer(harness.outputs[0]);
    measure_regions(~PATTERN);
    write_regions();
    if (problem) {
        return problem;
    }
    if (memcmp(harness.outputs[0], harness.outputs[1], harness.output_bytes) != 0) {
        return "the output depends on memory that the model did not write";
    }
    return NULL;
}

static const char *run_all(void)
{
    harness.tracing = harness.request.flags & REQUEST_TRACE;
    write_arena();
    for (uint32_t i = 0; i < model_tensor_count; i++) {
        record(RECORD_TENSOR, i, length(model_tensors[i].name));
        payload(model_tensors[i].name, length(model_tensors[i].name));
    }
    for (uint32_t i = 0; i < harness.request.count; i++) {
        if (harness.from_file && !harness_read(harness.input, harness.request.bytes)) {
            return "the request file is too short";
        }
        bool measured = i == 0 && harness.request.flags & REQUEST_MEASURE;
        const char *problem = measured ? run_measured() : infer(harness.outputs[0]);
        if (problem) {
            return problem;
        }
        record(RECORD_OUTPUT, i, harness.output_bytes);
        payload(harness.outputs[0], harness.output_bytes);
    }
    record(RECORD_END, harness.request.count, 0);
    return harness.write_failed ? "the results file cannot be written" : NULL;
}

int harness_run(void)
{
    memset(&harness, 0, sizeof harness);
    console_text(model_name);
    console_text("\n");
    const char *problem = harness_open_results() ? model_start() : "the results file cannot be opened";
    problem = problem ? problem : read_request();
    problem = problem ? problem : allocate();
    problem = problem ? problem : run_all();
    if (problem) {
        console_text("FAIL ");
        console_text(problem);
        console_text("\n");
        return 1;
    }
    report_number("  inputs", "", harness.request.count, "\n");
    console_text("PASS\n");
    return 0;
}
