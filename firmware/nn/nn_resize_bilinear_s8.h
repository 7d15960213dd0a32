/* nn_resize_bilinear_s8: an int8 image of another size, each pixel a weighted mean of the four around it. */
#ifndef NN_RESIZE_BILINEAR_S8_H
#define NN_RESIZE_BILINEAR_S8_H

#include "nn_bytes.h"

typedef struct {
    const int8_t *input;
    int8_t *output;
    const int16_t *rows, *columns; /* per place of the output: first, second, share of the second in 1/1024 */
    int32_t batches, input_height, input_width, output_height, output_width, channels;
} nn_resize_bilinear_s8_args;

/* One pixel from the columns `left` and `right` of the rows `upper` and `lower`. */
NN_INLINE void nn_resize_blend(const nn_resize_bilinear_s8_args *a, const int8_t *const rows[2], const int16_t *column,
                               int32_t down, int8_t *output)
{
    const int32_t left = column[0] * a->channels, right = column[1] * a->channels;
    const int32_t share = column[2];
    const int32_t upper_left = (1024 - down) * (1024 - share), upper_right = (1024 - down) * share;
    const int32_t lower_left = down * (1024 - share), lower_right = down * share;
    for (int32_t c = 0; c < a->channels; c++) {
        int32_t sum = rows[0][left + c] * upper_left + rows[0][right + c] * upper_right +
                      rows[1][left + c] * lower_left + rows[1][right + c] * lower_right;
        output[c] = (int8_t)nn_round_shift(sum, 20);
    }
}

NN_INLINE void nn_resize_bilinear_s8(const nn_resize_bilinear_s8_args *a)
{
    const int32_t row_bytes = a->input_width * a->channels;
    int8_t *output = a->output;
    for (int32_t batch = 0; batch < a->batches; batch++) {
        const int8_t *image = a->input + batch * a->input_height * row_bytes;
        for (int32_t y = 0; y < a->output_height; y++) {
            const int16_t *row = a->rows + 3 * y;
            const int8_t *const rows[2] = {image + row[0] * row_bytes, image + row[1] * row_bytes};
            for (int32_t x = 0; x < a->output_width; x++, output += a->channels) {
                nn_resize_blend(a, rows, a->columns + 3 * x, row[2], output);
            }
        }
    }
}

#endif
