/* streams.c: a model whose layers read memory in ways that a cache answers predictably. BYTES, FAST and SLOW come from
 * the test; the input's first word tells how many turns the last layer's loop takes.
 */
#include <stddef.h>

#include "binding.h"

#ifdef NN_HOOKS
#define LAYER(number, call) (model_layer_begin(number), (call), model_layer_end(number))
#else
#define LAYER(number, call) (call)
#endif

static const uint32_t weights[BYTES / 4] __attribute__((aligned(32))) = {1};
static uint32_t fast[BYTES / 4] __attribute__((section(".ram." FAST), aligned(32)));
static uint32_t slow[BYTES / 4] __attribute__((section(".ram." SLOW), aligned(32)));

const char model_name[] = "streams";
const uint32_t model_layer_count = 6;
const char *const model_layer_names[] = {"flash", "flash_again", "tcm", "sram", "unaligned", "turns"};
const uint32_t model_input_bytes = 4, model_output_bytes = 4;
const uint32_t model_pcm_samples = 0, model_embedding_count = 0;
const uint32_t model_region_count = 2;
const model_region model_regions[] = {{FAST, (uint8_t *)fast, sizeof fast}, {SLOW, (uint8_t *)slow, sizeof slow}};
const uint32_t model_tensor_count = 1;
const model_tensor model_tensors[] = {{"total", 5, 0, 0, 4}};

const char *model_start(void)
{
    return NULL;
}

uint32_t model_arena_used(void)
{
    return 0;
}

const void *model_tensor_data(uint32_t tensor)
{
    return model_regions[model_tensors[tensor].region].base;
}

__attribute__((noinline)) static void read_words(const void *from, uint32_t count)
{
#ifdef __arm__
    __asm__ volatile("1: ldr r3, [%0], #4\n\tsubs %1, #1\n\tbne 1b" : "+r"(from), "+r"(count)::"r3", "cc", "memory");
#else
    (void)from;
    (void)count;
#endif
}

__attribute__((noinline)) static void turn(uint32_t count)
{
#ifdef __arm__
    __asm__ volatile(".p2align 3\n1: subs %0, #1\n\tbne.w 1b\n\tnop" : "+r"(count)::"cc");
#else
    (void)count;
#endif
}

int model_run(const int8_t *input, int8_t *output)
{
    uint32_t turns = *(const uint32_t *)(const void *)input;
    fast[0] = slow[0] = 0;
    LAYER(0, read_words(weights, BYTES / 4));
    LAYER(1, read_words(weights, BYTES / 4));
    LAYER(2, read_words(fast, BYTES / 4));
    LAYER(3, read_words(slow, BYTES / 4));
    LAYER(4, read_words((const uint8_t *)fast + 2, BYTES / 4 - 1u));
    LAYER(5, turn(turns + 1u));
    *(uint32_t *)(void *)output = turns;
    return 0;
}

int model_embed(const int16_t *pcm, float *embedding)
{
    (void)pcm;
    (void)embedding;
    return -1;
}
