/* nn_resize_nearest_s8: an image of another size, each pixel from the nearest one; channels are bytes of a pixel. */
#ifndef NN_RESIZE_NEAREST_S8_H
#define NN_RESIZE_NEAREST_S8_H

#include "nn.h"

typedef struct {
    const int8_t *input;
    int8_t *output;
    const int16_t *rows, *columns; /* of the input, for each of the output */
    int32_t batches, input_height, input_width, output_height, output_width, channels;
} nn_resize_nearest_s8_args;

NN_INLINE void nn_resize_nearest_s8(const nn_resize_nearest_s8_args *a)
{
    const int32_t row_bytes = a->output_width * a->channels;
    int8_t *output = a->output;
    for (int32_t batch = 0; batch < a->batches; batch++) {
        const int8_t *image = a->input + batch * a->input_height * a->input_width * a->channels;
        for (int32_t y = 0; y < a->output_height; y++, output += row_bytes) {
            if (y > 0 && a->rows[y] == a->rows[y - 1]) {
                memcpy(output, output - row_bytes, (size_t)row_bytes);
                continue;
            }
            const int8_t *row = image + a->rows[y] * a->input_width * a->channels;
            for (int32_t x = 0; x < a->output_width; x++) {
                memcpy(output + x * a->channels, row + a->columns[x] * a->channels, (size_t)a->channels);
            }
        }
    }
}

#endif
