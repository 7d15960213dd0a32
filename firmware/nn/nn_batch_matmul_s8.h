/* nn_batch_matmul_s8: products of int8 matrices, both of which are activations.
 *
 * A panel holds some columns of the right matrix, widened to int16 with the offset added, in the order of nn_gemm.h.
 * For every two rows of the left matrix these are widened alike and meet the whole panel.
 *
 * Needs: scratch aligned to 4.
 */
#ifndef NN_BATCH_MATMUL_S8_H
#define NN_BATCH_MATMUL_S8_H

#include "nn_bytes.h"
#include "nn_gemm.h"
#include "nn_walk.h"

typedef struct {
    const int8_t *input1, *input2;
    int8_t *output;
    void *scratch;
    int32_t rank, dims[NN_WALK_DIMS], steps1[NN_WALK_DIMS], steps2[NN_WALK_DIMS]; /* loops over matrices */
    int32_t rows, columns, depth;
    int32_t row_step, row_depth_step;       /* elements of the left matrix from row to row, and along a row */
    int32_t column_step, column_depth_step; /* of the right matrix from column to column, and along a column */
    int32_t panel_columns;                  /* a multiple of 4 */
    int32_t input1_offset, input2_offset, output_offset, output_multiplier, output_shift;
    int32_t sum_bits; /* of the largest sum of products */
} nn_batch_matmul_s8_args;

/* `depth` values that lie `step` apart, and `zero` up to whole words. */
NN_INLINE void nn_matmul_gather(int8_t *taps, const int8_t *from, int32_t depth, int32_t step, int32_t zero)
{
    int32_t i = 0;
    for (; step == 1 && i + 4 <= depth; i += 4) {
        nn_store32(taps + i, nn_load32(from + i));
    }
    for (; i < depth; i++) {
        taps[i] = from[i * step];
    }
    for (; i < (depth + 3) / 4 * 4; i++) {
        taps[i] = (int8_t)zero;
    }
}

/* Widen a row or column: two words per four values, `gap` apart, every `stride` words. */
NN_INLINE void nn_matmul_widen(uint32_t *to, const int8_t *from, int32_t depth, int32_t step, int32_t offset,
                               int8_t *taps, int32_t stride, int32_t gap)
{
    const uint32_t offsets = nn_lanes(offset, offset);
    const int8_t *bytes = from;
    if (step != 1 || depth % 4 != 0) {
        nn_matmul_gather(taps, from, depth, step, -offset);
        bytes = taps;
    }
    for (int32_t i = 0; i < (depth + 3) / 4; i++) {
        uint32_t word = nn_load32(bytes + 4 * i);
        to[stride * i] = nn_add16(nn_sxtb16(word), offsets);
        to[stride * i + gap] = nn_add16(nn_sxtb16_ror8(word), offsets);
    }
}

NN_INLINE int8_t nn_matmul_output(const nn_batch_matmul_s8_args *a, int32_t sum)
{
    int32_t y = nn_rescale(sum, a->sum_bits, a->output_multiplier, a->output_shift, a->output_offset);
    return (int8_t)nn_clamp_s8(y, -128, 127);
}

/* `count` columns of the panel for the rows in `w`, the second of them only if `both`. */
NN_INLINE void nn_matmul_rows(const nn_batch_matmul_s8_args *a, const uint32_t *panel, const uint32_t *w,
                              int8_t *output, int32_t count, int both)
{
    const int32_t words = (a->depth + 3) / 4;
    for (int32_t i = 0; i < count; i += 4, panel += words * 8) {
        int32_t sums[8] = {0, 0, 0, 0, 0, 0, 0, 0};
        nn_gemm_2x4(panel, w, w + words * 4, sums);
        int32_t columns = count - i < 4 ? count - i : 4;
        NN_UNROLL(4)
        for (int32_t column = 0; column < columns; column++) {
            output[i + column] = nn_matmul_output(a, sums[column]);
            if (both) {
                output[a->columns + i + column] = nn_matmul_output(a, sums[4 + column]);
            }
        }
    }
}

NN_INLINE void nn_matmul_product(const nn_batch_matmul_s8_args *a, const int8_t *left, const int8_t *right,
                                 int8_t *output)
{
    const int32_t words = (a->depth + 3) / 4;
    uint32_t *w = (uint32_t *)a->scratch;
    uint32_t *panel = w + words * 4 + NN_GEMM_OVERREAD;
    int8_t *taps = (int8_t *)(panel + a->panel_columns * words * 2 + NN_GEMM_OVERREAD);
    for (int32_t first = 0; first < a->columns; first += a->panel_columns) {
        int32_t count = a->columns - first < a->panel_columns ? a->columns - first : a->panel_columns;
        for (int32_t i = 0; i < count; i++) {
            nn_matmul_widen(panel + i / 4 * words * 8 + i % 4, right + (first + i) * a->column_step, a->depth,
                            a->column_depth_step, a->input2_offset, taps, 8, 4);
        }
        for (int32_t row = 0; row < a->rows; row += 2) {
            int both = row + 1 < a->rows;
            for (int32_t i = 0; i <= both; i++) {
                nn_matmul_widen(w + i, left + (row + i) * a->row_step, a->depth, a->row_depth_step, a->input1_offset,
                                taps, 4, 2);
            }
            nn_matmul_rows(a, panel, w, output + row * a->columns + first, count, both);
        }
    }
}

NN_INLINE void nn_batch_matmul_s8(const nn_batch_matmul_s8_args *a)
{
    nn_walk walk = {{0}, 0, 0};
    int8_t *output = a->output;
    for (int32_t turn = nn_walk_turns(a->rank, a->dims); turn > 0; turn--) {
        nn_matmul_product(a, a->input1 + walk.offset1, a->input2 + walk.offset2, output);
        output += a->rows * a->columns;
        nn_walk_next(&walk, a->rank, a->dims, a->steps1, a->steps2);
    }
}

#endif
