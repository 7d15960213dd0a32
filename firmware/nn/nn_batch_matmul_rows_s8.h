/* nn_batch_matmul_rows_s8: products of int8 matrices with the columns of the right one as they are, each contiguous.
 *
 * A row of the left matrix is widened once, with its offset. The right matrix's offset is added as many times as the
 * row's sum says. For few rows: where there are many, nn_batch_matmul_s8 widens the columns instead.
 *
 * Needs: scratch aligned to 4; row_depth_step and column_depth_step 1.
 */
#ifndef NN_BATCH_MATMUL_ROWS_S8_H
#define NN_BATCH_MATMUL_ROWS_S8_H

#include "nn_batch_matmul_s8.h"

#define NN_MATMUL_COLUMNS 4

/* Four values from number 4 * word on of a column; those behind the last one are zeros. */
NN_INLINE uint32_t nn_matmul_word(const int8_t *column, int32_t word, int32_t rest)
{
    const int8_t *last = column + 4 * word;
    return rest == 0 ? nn_load32(last) : nn_pack_s8x4(last[0], rest > 1 ? last[1] : 0, rest > 2 ? last[2] : 0, 0);
}

/* One word of `count` columns times the same of the row. */
NN_INLINE void nn_matmul_step(const nn_batch_matmul_s8_args *a, const uint32_t *x, const int8_t *right, int32_t word,
                              int32_t rest, int32_t count, int32_t *sums)
{
    const uint32_t even = x[2 * word], odd = x[2 * word + 1];
    NN_UNROLL(4)
    for (int32_t i = 0; i < count; i++) {
        const uint32_t bytes = nn_matmul_word(right + i * a->column_step, word, rest);
        sums[i] = nn_smlad(even, nn_sxtb16(bytes), sums[i]);
        sums[i] = nn_smlad(odd, nn_sxtb16_ror8(bytes), sums[i]);
    }
}

/* `count` columns, at most NN_MATMUL_COLUMNS, for the row in `x`; `start` is what every sum begins with. */
NN_INLINE void nn_matmul_columns(const nn_batch_matmul_s8_args *a, const uint32_t *x, const int8_t *right,
                                 int8_t *output, int32_t start, int32_t count)
{
    int32_t sums[NN_MATMUL_COLUMNS] = {start, start, start, start};
    NN_UNROLL(2)
    for (int32_t word = 0; word < a->depth / 4; word++) {
        nn_matmul_step(a, x, right, word, 0, count, sums);
    }
    if (a->depth % 4 != 0) {
        nn_matmul_step(a, x, right, a->depth / 4, a->depth % 4, count, sums);
    }
    NN_UNROLL(4)
    for (int32_t i = 0; i < count; i++) {
        output[i] = nn_matmul_output(a, sums[i]);
    }
}

NN_INLINE void nn_matmul_row(const nn_batch_matmul_s8_args *a, const int8_t *left, const int8_t *right, int8_t *output)
{
    const int32_t words = (a->depth + 3) / 4;
    uint32_t *x = (uint32_t *)a->scratch;
    nn_matmul_widen(x, left, a->depth, 1, a->input1_offset, (int8_t *)(x + 2 * words), 2, 1);
    int32_t start = 0;
    for (int32_t i = 0; a->input2_offset != 0 && i < 2 * words; i++) {
        start = nn_smlad(x[i], nn_lanes(1, 1), start);
    }
    start *= a->input2_offset;
    int32_t column = 0;
    for (; column + NN_MATMUL_COLUMNS <= a->columns; column += NN_MATMUL_COLUMNS) {
        nn_matmul_columns(a, x, right + column * a->column_step, output + column, start, NN_MATMUL_COLUMNS);
    }
    for (; column < a->columns; column++) {
        nn_matmul_columns(a, x, right + column * a->column_step, output + column, start, 1);
    }
}

NN_INLINE void nn_batch_matmul_rows_s8(const nn_batch_matmul_s8_args *a)
{
    nn_walk walk = {{0}, 0, 0};
    int8_t *output = a->output;
    for (int32_t turn = nn_walk_turns(a->rank, a->dims); turn > 0; turn--) {
        for (int32_t row = 0; row < a->rows; row++, output += a->columns) {
            nn_matmul_row(a, a->input1 + walk.offset1 + row * a->row_step, a->input2 + walk.offset2, output);
        }
        nn_walk_next(&walk, a->rank, a->dims, a->steps1, a->steps2);
    }
}

#endif
