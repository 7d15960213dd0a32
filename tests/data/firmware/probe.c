/* probe.c: a model of two layers that misbehaves when the first byte of its input says so.
 *
 * Layer "work" runs 2 * count + constant instructions, count being the little-endian word at input + 4, and doubles the
 * input; layer "sum" adds up what "work" wrote. Initialisation runs 2 * 500 + constant instructions. With PCM, a front end makes the input of the samples' high bytes, and
 * count is 0.
 */
#include <stddef.h>
#include <string.h>

#include "binding.h"
#ifdef __arm__
#include "cortex_m7.h"
#include "fault.h"
#endif
#include "nn.h"
#include "port.h"

#ifdef NN_HOOKS
#define BEGIN(layer) model_layer_begin(layer)
#define END(layer) model_layer_end(layer)
#else
#define BEGIN(layer) ((void)0)
#define END(layer) ((void)0)
#endif

enum { INPUT = 16, START = 500, FRONT_END = 0, WORK = 1, SUM = 2 };

/* fast: input, doubled, one spare byte. slow: sum, then bytes that are never written. */
static uint8_t fast[64] __attribute__((section(".ram." FAST), aligned(32)));
static uint8_t slow[64] __attribute__((section(".ram." SLOW), aligned(32)));

const char model_name[] = "probe";
const uint32_t model_layer_count = 3;
const char *const model_layer_names[] = {"front_end", "work", "sum"};
const uint32_t model_input_bytes = INPUT, model_output_bytes = 4;
const uint32_t model_pcm_samples = INPUT, model_embedding_count = 2;
const uint32_t model_region_count = 2;
const model_region model_regions[] = {{FAST, fast, sizeof fast}, {SLOW, slow, sizeof slow}};
const uint32_t model_tensor_count = 3;
const model_tensor model_tensors[] = {
    {"features", FRONT_END, 0, 0, INPUT},
    {"doubled", WORK, 0, INPUT, INPUT},
    {"total", SUM, 1, 0, 4},
};

uint32_t model_arena_used(void)
{
    return 0;
}

const void *model_tensor_data(uint32_t tensor)
{
    return model_regions[model_tensors[tensor].region].base + model_tensors[tensor].offset;
}

#ifdef __arm__
#define DTCM_END 0x20020000u
#define SRAM123_END 0x60148000u /* of m7 in the emulator */

static void poke(uint32_t address)
{
    volatile uint32_t hidden = address; /* from the compiler, which would refuse */
    *(volatile uint8_t *)hidden = 1;
}

static void count_down(uint32_t count)
{
    __asm__ volatile("1: subs %0, #1\n\tbne 1b" : "+r"(count)::"cc");
}

__attribute__((noinline)) static uint32_t recurse(uint32_t depth)
{
    volatile uint8_t frame[64];
    frame[0] = (uint8_t)depth;
    return depth == 0 ? frame[0] : recurse(depth - 1u) + frame[0];
}

__attribute__((noinline)) static uint8_t large_frame(void)
{
    volatile uint8_t frame[65536];
    frame[0] = 1;
    return frame[0];
}

NN_FAST_CODE __attribute__((noinline)) static uint32_t program_counter(void)
{
    uint32_t pc;
    __asm__ volatile("mov %0, pc" : "=r"(pc));
    return pc;
}

/* bx lr */
static void run_from_ram(void)
{
    static uint16_t code[2];
    code[0] = 0x4770;
    ((void (*)(void))((uint32_t)code | 1u))();
}

/* A system call whose handler returns as `value` says, on the stack at `stack`. */
static uint32_t return_value, return_stack;

__attribute__((naked)) static void return_badly(void)
{
    __asm__ volatile("ldr r0, =%c0\n\tldr r0, [r0]\n\tmsr msp, r0\n\tldr r0, =%c1\n\tldr r0, [r0]\n\tbx r0" ::"i"(
                         &return_stack),
                     "i"(&return_value));
}

static void call_system(uint32_t value, uint32_t stack)
{
    static uint32_t vectors[16] __attribute__((aligned(128)));
    for (uint32_t i = 1; i < 16; i++) {
        vectors[i] = (uint32_t)fault_entry;
    }
    vectors[11] = (uint32_t)return_badly;
    return_value = value;
    return_stack = stack;
    SCB_VTOR = (uint32_t)vectors;
    cpu_barrier();
    __asm__ volatile("svc #0");
}

/* Interrupt 16, whose vector is the first word behind the RAM. */
static void take_vector_from_nowhere(void)
{
    uint32_t *vectors = (uint32_t *)0x60FFFF80u;
    vectors[3] = (uint32_t)fault_entry;
    SCB_VTOR = (uint32_t)vectors;
    *(reg32 *)0xE000E100u = 1u << 16; /* NVIC_ISER0 */
    *(reg32 *)0xE000E200u = 1u << 16; /* NVIC_ISPR0 */
    cpu_barrier();
}

__attribute__((noinline)) static void misbehave(char what, uint32_t count)
{
    volatile uint32_t zero = 0;
    switch (what) {
    case 'e': poke(DTCM_END); break;
    case 'g': poke(SRAM123_END + 8u); break;
    case 'n': poke(4); break;
    case 'm': (void)*(volatile uint32_t *)(zero + 8u); break;
    case 'f': poke((uint32_t)model_name); break;
    case 'p': poke(0x40010000u); break; /* GPIO 0 of the emulated machine */
    case 'c': poke((uint32_t)program_counter); break;
    case 'x': run_from_ram(); break;
    case 'j': ((void (*)(void))(zero + 1u))(); break;
    case 's': (void)recurse(1000000u); break;
    case 'S': (void)large_frame(); break;
    case 'k': (void)recurse(count); break;
    case 'd': zero = 7u / zero; break;
    case 't': ((void (*)(void))((uint32_t)model_run & ~1u))(); break;
    case 'v': call_system(0xFFFFFFE3u, (uint32_t)__builtin_frame_address(0)); break;
    case 'V': call_system(0xFFFFFFF9u, 0x30000000u); break;
    case 'b': take_vector_from_nowhere(); break;
    case 'u': __asm__ volatile("udf #0"); break;
    case 'l': for (;;) { } break;
    case 'L': __asm__ volatile("cpsid f"); poke(0x90000000u); break; /* nothing is there, and no handler may run */
    case 'q': app_stop(3); break;
    case 'z': app_stop(0); break;
    default: break;
    }
}
#else
static void count_down(uint32_t count)
{
    (void)count;
}

static uint32_t program_counter(void)
{
    return 0;
}

static void misbehave(char what, uint32_t count)
{
    (void)count;
    if (what == 'o') {
        volatile uint32_t behind = sizeof slow;
        slow[behind] = 1;
    }
}
#endif

static int run(uint32_t count)
{
    BEGIN(WORK);
    count_down(count + 1u);
    misbehave((char)fast[0], count);
    for (uint32_t i = 0; i < INPUT; i++) {
        fast[INPUT + i] = (uint8_t)(2u * fast[i]);
    }
    END(WORK);
    BEGIN(SUM);
    uint32_t total = fast[0] == 'i' ? slow[40] : 0;
    for (uint32_t i = 0; i < INPUT; i++) {
        total += fast[INPUT + i];
    }
    total = fast[0] == 'w' ? program_counter() : total;
    memcpy(slow, &total, sizeof total);
    END(SUM);
    return fast[0] == 'r';
}

const char *model_start(void)
{
    count_down(START);
    return NULL;
}

int model_run(const int8_t *input, int8_t *output)
{
    uint32_t count;
    memcpy(&count, input + 4, sizeof count);
    memcpy(fast, input, INPUT);
    int status = run(count);
    memcpy(output, slow, 4);
    return status;
}

int model_embed(const int16_t *pcm, float *embedding)
{
    BEGIN(FRONT_END);
    for (uint32_t i = 0; i < INPUT; i++) {
        fast[i] = (uint8_t)((uint16_t)pcm[i] >> 8);
    }
    END(FRONT_END);
    int status = run(0);
    embedding[0] = (float)(slow[0] + 256 * slow[1]) * 0.25f;
    embedding[1] = -1.5f;
    return status;
}
