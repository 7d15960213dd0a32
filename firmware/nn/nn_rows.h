/* nn_rows.h: the core of row convolutions: three or four taps along a row, three multiply-accumulates an instruction.
 *
 * A word holds two neighbouring pixels, x0 + x1 * 2^21, another two taps, w1 + w0 * 2^21. Their 64-bit product
 *
 *     w1*x0  +  (w0*x0 + w1*x1) * 2^21  +  w0*x1 * 2^42
 *
 * has in its three fields what the pair contributes to output 2j - 1, output 2j and output 2j + 1. With the next pair
 * and the taps w3 + w2 * 2^21 (w3 = 0 for three taps) added, field 1 is output 2j, and field 2 of one accumulator and
 * field 0 of the next one make output 2j + 1. A step (one kernel row of one input channel) of a tile of four pairs is
 * 8 SMLAL and 7 LDR for 24 multiply-accumulates.
 *
 * Fields must not overflow: they are unpacked into int32 sums after every chunk of steps. The compiler proves from the
 * weights how many steps a chunk may have: the sums in fields 0 and 1 stay in [-2^20, 2^20), in field 2 in
 * [-2^21, 2^21). Accumulators start with 2^20 in fields 0 and 1, so that these are never negative, and each sum is too
 * large by 2^20 per chunk (NN_ROWS_EXCESS).
 *
 * A tile of n pairs covers the outputs -1 to 2n - 1 from its first pair on, of which -1 and 2n - 1 are incomplete: the
 * neighbouring tiles add the rest. The last output of a row of even width would take one more pair for the single
 * product w1 * x0. The first tile can compute it instead ("closing"): its field 0 of accumulator 0 is not needed
 * where the row begins with padding, so the word of the pair behind the row is added to the tile.
 *
 * Streams, in words: x has for every step the n pairs of the tile, the next pair and, if closing, the closing pair; w
 * has w1 + w0 * 2^21 and w3 + w2 * 2^21. sums[0] is output -1.
 */
#ifndef NN_ROWS_H
#define NN_ROWS_H

#include "nn.h"

#define NN_ROWS_FIELD 21
#define NN_ROWS_EXCESS (1u << 20)
/* Words that a tile reads beyond the end of its streams (and ignores). */
#define NN_ROWS_OVERREAD 8

/* How a run of steps is cut into equal chunks. */
typedef struct {
    uint32_t chunk_bytes, total_bytes; /* of the w stream */
    uint32_t skip;                     /* steps of the unrolled loop that the first turn of a chunk leaves out */
} nn_rows_span;

#define NN_ROWS_UNROLL 6

NN_INLINE nn_rows_span nn_rows_span_of(int32_t chunks, int32_t chunk_steps)
{
    uint32_t turns = ((uint32_t)chunk_steps + NN_ROWS_UNROLL - 1) / NN_ROWS_UNROLL;
    return (nn_rows_span){(uint32_t)chunk_steps * 8u, (uint32_t)(chunks * chunk_steps) * 8u,
                          turns * NN_ROWS_UNROLL - (uint32_t)chunk_steps};
}

/* Two values in one word; low and high within int16. */
NN_INLINE uint32_t nn_rows_pack(int32_t low, int32_t high)
{
    return (uint32_t)low + ((uint32_t)high << NN_ROWS_FIELD);
}

#if NN_DSP && defined(__ARM_FP) /* loop bounds are kept in registers of the FPU */

/* Registers: r0 x, r1 w, r2 and r3 the taps; accumulators from r4 on, low and high word.
 * s0 where w stands at the end of the chunk, s1 chunk_bytes, s2 sums, s3 where w stands at the end of all; [sp] where
 * in the loop a chunk begins. `scale` makes r3, the steps to skip, a multiple of their code's size, `shift` the rest.
 * As in nn_gemm.h an SMLAL never reads what was loaded in the cycle before, and LDR stand beside SMLAL. */
#define NN_ROWS_BEGIN(scale, shift) \
    "push {r3-r11, lr}\n" \
    "ldrd r4, r5, [r3]\n" \
    "ldr r3, [r3, #8]\n" \
    "add r6, r1, #4\n" /* the first taps are loaded ahead */ \
    "add r5, r5, r6\n" \
    "add r6, r6, r4\n" \
    "vmov s0, s1, r6, r4\n" \
    "vmov s2, s3, r2, r5\n" \
    "adr r4, 1f\n" scale \
    "add r4, r4, r3, lsl #" shift "\n" \
    "orr r4, r4, #1\n" /* Thumb */ \
    "str r4, [sp]\n" \
    "ldr r2, [r1], #4\n"

#define NN_ROWS_CLEAR(low, high) "mov " low ", #0x100000\n mov " high ", #0x200\n"

/* Add field 1 of (low, high) to the sum at `at` and field 2 to the next one, with field 0 of the next accumulator. */
#define NN_ROWS_UNPACK(low, high, at, next) \
    "ldrd r3, r12, [r2, #" at "]\n" \
    "ubfx lr, " high ", #0, #10\n" \
    "add r3, r3, " low ", lsr #21\n" \
    "add r3, r3, lr, lsl #11\n" \
    "add r12, r12, " high ", asr #10\n" \
    next \
    "strd r3, r12, [r2, #" at "]\n"
#define NN_ROWS_NEXT(low) "ubfx lr, " low ", #0, #21\n add r12, r12, lr\n"
#define NN_ROWS_FIRST "ldr r3, [r2]\n ubfx r12, r4, #0, #21\n add r3, r3, r12\n str r3, [r2]\n"

/* At the end of a chunk: return if it was the last, otherwise go on with the next one. */
#define NN_ROWS_AGAIN(start) \
    "vmov r2, r3, s0, s1\n" \
    "vmov r12, s3\n" \
    "cmp r2, r12\n" \
    "it eq\n" \
    "popeq {r3-r11, pc}\n" \
    "add r2, r2, r3\n" \
    "vmov s0, r2\n" \
    "ldr r2, [r1, #-4]\n" start

#define NN_ROWS_END_OF_CHUNK "vmov r12, s0\n cmp r1, r12\n"

/* Four pairs; r12 and lr alternate as pixels. `pitch` and `pitch4` are the bytes of a step and 4 more. */
#define NN_ROWS_STEP4(pitch, pitch4, load_x4_or_closing, closing, check) \
    "smlal r6, r7, r2, lr\n ldr r3, [r1], #4\n" \
    "smlal r4, r5, r2, r12\n ldr r12, [r0, #8]\n" \
    "smlal r4, r5, r3, lr\n ldr lr, [r0, #12]\n" \
    "smlal r8, r9, r2, r12\n" \
    "smlal r6, r7, r3, r12\n" load_x4_or_closing \
    "smlal r10, r11, r2, lr\n" closing \
    "ldr r2, [r1], #4\n" \
    "smlal r8, r9, r3, lr\n ldr lr, [r0, #" pitch4 "]\n" \
    "smlal r10, r11, r3, r12\n" check "ldr r12, [r0, #" pitch "]!\n"

#define NN_ROWS_START4 \
    "ldrd r12, lr, [r0]\n" \
    NN_ROWS_CLEAR("r4", "r5") NN_ROWS_CLEAR("r6", "r7") NN_ROWS_CLEAR("r8", "r9") NN_ROWS_CLEAR("r10", "r11") \
    "ldr pc, [sp]\n"

#define NN_ROWS_BODY4(scale, shift, pitch, pitch4, load_x4_or_closing, closing) \
    __asm__ volatile(NN_ROWS_BEGIN(scale, shift) NN_ROWS_START4 \
        ".balign 8\n" \
        "1:\n" \
        NN_ROWS_STEP4(pitch, pitch4, load_x4_or_closing, closing, "") \
        NN_ROWS_STEP4(pitch, pitch4, load_x4_or_closing, closing, "") \
        NN_ROWS_STEP4(pitch, pitch4, load_x4_or_closing, closing, "") \
        NN_ROWS_STEP4(pitch, pitch4, load_x4_or_closing, closing, "") \
        NN_ROWS_STEP4(pitch, pitch4, load_x4_or_closing, closing, "") \
        NN_ROWS_STEP4(pitch, pitch4, load_x4_or_closing, closing, NN_ROWS_END_OF_CHUNK) \
        "bne 1b\n" \
        "vmov r2, s2\n" NN_ROWS_FIRST \
        NN_ROWS_UNPACK("r4", "r5", "4", NN_ROWS_NEXT("r6")) \
        NN_ROWS_UNPACK("r6", "r7", "12", NN_ROWS_NEXT("r8")) \
        NN_ROWS_UNPACK("r8", "r9", "20", NN_ROWS_NEXT("r10")) \
        NN_ROWS_UNPACK("r10", "r11", "28", "") \
        NN_ROWS_AGAIN(NN_ROWS_START4))

NN_ASSEMBLY void nn_rows_4(NN_UNUSED const uint32_t *x, NN_UNUSED const uint32_t *w, NN_UNUSED int32_t *sums,
                           NN_UNUSED const nn_rows_span *span)
{
    NN_ROWS_BODY4("rsb r3, r3, r3, lsl #4\n", "2", "20", "24", "ldr r12, [r0, #16]\n", ""); /* 60 bytes a step */
}

NN_ASSEMBLY void nn_rows_4_closing(NN_UNUSED const uint32_t *x, NN_UNUSED const uint32_t *w, NN_UNUSED int32_t *sums,
                                   NN_UNUSED const nn_rows_span *span)
{
    NN_ROWS_BODY4("add r3, r3, r3, lsl #4\n", "2", "24", "28", "ldr r12, [r0, #20]\n", /* 68 bytes */
                  "smlalbb r4, r5, r2, r12\n ldr r12, [r0, #16]\n");
}

/* Three pairs: r10, r11, r12 and lr hold the pixels. */
#define NN_ROWS_STEP3(pitch, closing_load, closing, check) \
    "smlal r4, r5, r2, r10\n ldr r3, [r1], #4\n" \
    "smlal r6, r7, r2, r11\n ldr lr, [r0, #12]\n" \
    closing_load \
    "smlal r4, r5, r3, r11\n" \
    closing \
    "ldr r10, [r0, #" pitch "]!\n" \
    "smlal r8, r9, r2, r12\n ldr r2, [r1], #4\n" \
    "smlal r6, r7, r3, r12\n ldr r11, [r0, #4]\n" \
    "smlal r8, r9, r3, lr\n" check "ldr r12, [r0, #8]\n"

#define NN_ROWS_START3 \
    "ldm r0, {r10-r12}\n" \
    NN_ROWS_CLEAR("r4", "r5") NN_ROWS_CLEAR("r6", "r7") NN_ROWS_CLEAR("r8", "r9") \
    "ldr pc, [sp]\n"

#define NN_ROWS_BODY3(scale, shift, pitch, closing_load, closing) \
    __asm__ volatile(NN_ROWS_BEGIN(scale, shift) NN_ROWS_START3 \
        ".balign 8\n" \
        "1:\n" \
        NN_ROWS_STEP3(pitch, closing_load, closing, "") \
        NN_ROWS_STEP3(pitch, closing_load, closing, "") \
        NN_ROWS_STEP3(pitch, closing_load, closing, "") \
        NN_ROWS_STEP3(pitch, closing_load, closing, "") \
        NN_ROWS_STEP3(pitch, closing_load, closing, "") \
        NN_ROWS_STEP3(pitch, closing_load, closing, NN_ROWS_END_OF_CHUNK) \
        "bne 1b\n" \
        "vmov r2, s2\n" NN_ROWS_FIRST \
        NN_ROWS_UNPACK("r4", "r5", "4", NN_ROWS_NEXT("r6")) \
        NN_ROWS_UNPACK("r6", "r7", "12", NN_ROWS_NEXT("r8")) \
        NN_ROWS_UNPACK("r8", "r9", "20", "") \
        NN_ROWS_AGAIN(NN_ROWS_START3))

NN_ASSEMBLY void nn_rows_3(NN_UNUSED const uint32_t *x, NN_UNUSED const uint32_t *w, NN_UNUSED int32_t *sums,
                           NN_UNUSED const nn_rows_span *span)
{
    NN_ROWS_BODY3("add r3, r3, r3, lsl #1\n", "4", "16", "", ""); /* 48 bytes a step */
}

NN_ASSEMBLY void nn_rows_3_closing(NN_UNUSED const uint32_t *x, NN_UNUSED const uint32_t *w, NN_UNUSED int32_t *sums,
                                   NN_UNUSED const nn_rows_span *span)
{
    NN_ROWS_BODY3("rsb r3, r3, r3, lsl #3\n", "3", "20", "ldr r10, [r0, #16]\n", /* 56 bytes */
                  "smlalbb r4, r5, r2, r10\n");
}

#else

/* The same sums by the same fields, so that the host's tests see an overflow. */
NN_INLINE void nn_rows_tile(const uint32_t *x, const uint32_t *w, int32_t *sums, const nn_rows_span *span,
                            int32_t pairs, int32_t closing)
{
    const uint32_t mask = (1u << NN_ROWS_FIELD) - 1u;
    const uint32_t *end = w + span->total_bytes / 4;
    while (w != end) {
        uint64_t accumulator[5] = {0};
        for (int32_t i = 0; i < pairs; i++) {
            accumulator[i] = ((uint64_t)NN_ROWS_EXCESS << NN_ROWS_FIELD) + NN_ROWS_EXCESS;
        }
        const uint32_t *chunk_end = w + span->chunk_bytes / 4;
        for (; w != chunk_end; w += 2, x += pairs + 1 + closing) {
            for (int32_t i = 0; i < pairs; i++) {
                accumulator[i] += (uint64_t)((int64_t)(int32_t)w[0] * (int32_t)x[i]);
                accumulator[i] += (uint64_t)((int64_t)(int32_t)w[1] * (int32_t)x[i + 1]);
            }
            if (closing) {
                accumulator[0] += (uint64_t)((int64_t)(int16_t)(w[0] & 0xffff) * (int16_t)(x[pairs + 1] & 0xffff));
            }
        }
        sums[0] = (int32_t)((uint32_t)sums[0] + ((uint32_t)accumulator[0] & mask));
        for (int32_t i = 0; i < pairs; i++) {
            uint32_t even = (uint32_t)(accumulator[i] >> NN_ROWS_FIELD) & mask;
            uint32_t odd = (uint32_t)((int64_t)accumulator[i] >> (2 * NN_ROWS_FIELD));
            odd += i + 1 < pairs ? (uint32_t)accumulator[i + 1] & mask : 0;
            sums[2 * i + 1] = (int32_t)((uint32_t)sums[2 * i + 1] + even);
            sums[2 * i + 2] = (int32_t)((uint32_t)sums[2 * i + 2] + odd);
        }
    }
}

NN_INLINE void nn_rows_4(const uint32_t *x, const uint32_t *w, int32_t *sums, const nn_rows_span *span)
{
    nn_rows_tile(x, w, sums, span, 4, 0);
}

NN_INLINE void nn_rows_4_closing(const uint32_t *x, const uint32_t *w, int32_t *sums, const nn_rows_span *span)
{
    nn_rows_tile(x, w, sums, span, 4, 1);
}

NN_INLINE void nn_rows_3(const uint32_t *x, const uint32_t *w, int32_t *sums, const nn_rows_span *span)
{
    nn_rows_tile(x, w, sums, span, 3, 0);
}

NN_INLINE void nn_rows_3_closing(const uint32_t *x, const uint32_t *w, int32_t *sums, const nn_rows_span *span)
{
    nn_rows_tile(x, w, sums, span, 3, 1);
}

#endif

#endif
