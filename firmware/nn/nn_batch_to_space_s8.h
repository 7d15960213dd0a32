/* nn_batch_to_space_s8: int8 pixels of blocks, taken from the batch back to the image, which is cropped. */
#ifndef NN_BATCH_TO_SPACE_S8_H
#define NN_BATCH_TO_SPACE_S8_H

#include "nn.h"

typedef struct {
    const int8_t *input;
    int8_t *output;
    int32_t batches; /* of the output */
    int32_t channels, input_height, input_width, output_height, output_width;
    int32_t block_height, block_width;
    int32_t crop_top, crop_left;
} nn_batch_to_space_s8_args;

NN_INLINE void nn_batch_to_space_s8(const nn_batch_to_space_s8_args *a)
{
    const int32_t image = a->input_height * a->input_width * a->channels;
    int8_t *output = a->output;
    for (int32_t batch = 0; batch < a->batches; batch++) {
        for (int32_t y = a->crop_top; y < a->crop_top + a->output_height; y++) {
            int32_t place = y % a->block_height * a->block_width;
            const int8_t *row = a->input + batch * image + y / a->block_height * a->input_width * a->channels;
            for (int32_t x = a->crop_left; x < a->crop_left + a->output_width; x++) {
                const int8_t *pixel = row + (place + x % a->block_width) * a->batches * image;
                memcpy(output, pixel + x / a->block_width * a->channels, (size_t)a->channels);
                output += a->channels;
            }
        }
    }
}

#endif
