/* CMSIS-NN's functions as kernels of the batch: each takes its arguments by name. */
#ifndef CMSIS_NN_H
#define CMSIS_NN_H

#include "arm_nnfunctions.h"

typedef struct {
    const int8_t *input, *input2;
    int8_t *output, *state;
    void *scratch; /* two halves of buffer_bytes each */
    const int8_t *weights, *time;
    const void *bias; /* int32, on int16 int64 */
    const int32_t *multiplier, *shift;
    int32_t batches, input_height, input_width, in_channels, output_height, output_width, out_channels;
    int32_t kernel_height, kernel_width, stride_y, stride_x, dilation_y, dilation_x, pad_top, pad_left;
    int32_t pad_bottom, pad_right, multiplier_channels, per_channel, buffer_bytes;
    int32_t input_offset, output_offset, output_min, output_max;
    int32_t input1_offset, input1_multiplier, input1_shift, input2_offset, input2_multiplier, input2_shift;
    int32_t output_multiplier, output_shift, elements, rows, depth, columns, least, rank, memory;
} cmsis_nn_args;

static inline cmsis_nn_context cmsis_nn_buffer(const cmsis_nn_args *a, int half)
{
    return (cmsis_nn_context){(int8_t *)a->scratch + half * a->buffer_bytes, a->buffer_bytes};
}

static inline cmsis_nn_dims cmsis_nn_input(const cmsis_nn_args *a)
{
    return (cmsis_nn_dims){a->batches, a->input_height, a->input_width, a->in_channels};
}

static inline cmsis_nn_dims cmsis_nn_output(const cmsis_nn_args *a)
{
    return (cmsis_nn_dims){a->batches, a->output_height, a->output_width, a->out_channels};
}

static inline cmsis_nn_per_channel_quant_params cmsis_nn_scales(const cmsis_nn_args *a)
{
    return (cmsis_nn_per_channel_quant_params){(int32_t *)(uintptr_t)a->multiplier, (int32_t *)(uintptr_t)a->shift};
}

static inline void cmsis_nn_conv(const cmsis_nn_args *a)
{
    cmsis_nn_context buffer = cmsis_nn_buffer(a, 0);
    cmsis_nn_conv_params params = {a->input_offset,
                                   a->output_offset,
                                   {a->stride_x, a->stride_y},
                                   {a->pad_left, a->pad_top},
                                   {a->dilation_x, a->dilation_y},
                                   {a->output_min, a->output_max}};
    cmsis_nn_per_channel_quant_params scales = cmsis_nn_scales(a);
    cmsis_nn_dims in = cmsis_nn_input(a), out = cmsis_nn_output(a), bias = {1, 1, 1, a->out_channels};
    cmsis_nn_dims filter = {a->out_channels, a->kernel_height, a->kernel_width, a->in_channels};
    (void)arm_convolve_wrapper_s8(&buffer, &params, &scales, &in, a->input, &filter, a->weights, &bias, a->bias, &out,
                                  a->output);
}

static inline void cmsis_nn_depthwise(const cmsis_nn_args *a)
{
    cmsis_nn_context buffer = cmsis_nn_buffer(a, 0);
    cmsis_nn_dw_conv_params params = {a->input_offset,
                                      a->output_offset,
                                      a->multiplier_channels,
                                      {a->stride_x, a->stride_y},
                                      {a->pad_left, a->pad_top},
                                      {a->dilation_x, a->dilation_y},
                                      {a->output_min, a->output_max}};
    cmsis_nn_per_channel_quant_params scales = cmsis_nn_scales(a);
    cmsis_nn_dims in = cmsis_nn_input(a), out = cmsis_nn_output(a), bias = {1, 1, 1, a->out_channels};
    cmsis_nn_dims filter = {1, a->kernel_height, a->kernel_width, a->out_channels};
    (void)arm_depthwise_conv_wrapper_s8(&buffer, &params, &scales, &in, a->input, &filter, a->weights, &bias, a->bias,
                                        &out, a->output);
}

static inline void cmsis_nn_transpose_conv(const cmsis_nn_args *a)
{
    cmsis_nn_context buffer = cmsis_nn_buffer(a, 0), sums = cmsis_nn_buffer(a, 1);
    cmsis_nn_transpose_conv_params params = {a->input_offset,
                                             a->output_offset,
                                             {a->stride_x, a->stride_y},
                                             {a->pad_left, a->pad_top},
                                             {a->pad_right - a->pad_left, a->pad_bottom - a->pad_top},
                                             {1, 1},
                                             {a->output_min, a->output_max}};
    cmsis_nn_per_channel_quant_params scales = cmsis_nn_scales(a);
    cmsis_nn_dims in = cmsis_nn_input(a), out = cmsis_nn_output(a), bias = {1, 1, 1, a->out_channels};
    cmsis_nn_dims filter = {a->out_channels, a->kernel_height, a->kernel_width, a->in_channels};
    (void)arm_transpose_conv_wrapper_s8(&buffer, &sums, &params, &scales, &in, a->input, &filter, a->weights, &bias,
                                        a->bias, &out, a->output);
}

static inline void cmsis_nn_fully_connected(const cmsis_nn_args *a)
{
    cmsis_nn_context buffer = cmsis_nn_buffer(a, 0);
    cmsis_nn_fc_params params = {a->input_offset, 0, a->output_offset, {a->output_min, a->output_max}};
    cmsis_nn_quant_params scales = {(int32_t *)(uintptr_t)a->multiplier, (int32_t *)(uintptr_t)a->shift,
                                    a->per_channel};
    cmsis_nn_dims in = {a->batches, 1, 1, a->in_channels}, out = {a->batches, 1, 1, a->out_channels};
    cmsis_nn_dims filter = {a->in_channels, 1, 1, a->out_channels}, bias = {1, 1, 1, a->out_channels};
    (void)arm_fully_connected_wrapper_s8(&buffer, &params, &scales, &in, a->input, &filter, a->weights, &bias, a->bias,
                                         &out, a->output);
}

static inline void cmsis_nn_conv_s16(const cmsis_nn_args *a)
{
    cmsis_nn_context buffer = cmsis_nn_buffer(a, 0);
    cmsis_nn_conv_params params = {0,
                                   0,
                                   {a->stride_x, a->stride_y},
                                   {a->pad_left, a->pad_top},
                                   {a->dilation_x, a->dilation_y},
                                   {a->output_min, a->output_max}};
    cmsis_nn_per_channel_quant_params scales = cmsis_nn_scales(a);
    cmsis_nn_dims in = cmsis_nn_input(a), out = cmsis_nn_output(a), bias = {1, 1, 1, a->out_channels};
    cmsis_nn_dims filter = {a->out_channels, a->kernel_height, a->kernel_width, a->in_channels};
    cmsis_nn_bias_data sums = {a->bias, false};
    (void)arm_convolve_wrapper_s16(&buffer, &params, &scales, &in, (const int16_t *)(const void *)a->input, &filter,
                                   a->weights, &bias, &sums, &out, (int16_t *)(void *)a->output);
}

static inline void cmsis_nn_depthwise_s16(const cmsis_nn_args *a)
{
    cmsis_nn_context buffer = cmsis_nn_buffer(a, 0);
    cmsis_nn_dw_conv_params params = {0,
                                      0,
                                      a->multiplier_channels,
                                      {a->stride_x, a->stride_y},
                                      {a->pad_left, a->pad_top},
                                      {a->dilation_x, a->dilation_y},
                                      {a->output_min, a->output_max}};
    cmsis_nn_per_channel_quant_params scales = cmsis_nn_scales(a);
    cmsis_nn_dims in = cmsis_nn_input(a), out = cmsis_nn_output(a), bias = {1, 1, 1, a->out_channels};
    cmsis_nn_dims filter = {1, a->kernel_height, a->kernel_width, a->out_channels};
    (void)arm_depthwise_conv_wrapper_s16(&buffer, &params, &scales, &in, (const int16_t *)(const void *)a->input,
                                         &filter, a->weights, &bias, a->bias, &out, (int16_t *)(void *)a->output);
}

static inline void cmsis_nn_fully_connected_s16(const cmsis_nn_args *a)
{
    cmsis_nn_context buffer = cmsis_nn_buffer(a, 0);
    cmsis_nn_fc_params params = {0, 0, 0, {a->output_min, a->output_max}};
    cmsis_nn_per_tensor_quant_params scale = {a->multiplier[0], a->shift[0]};
    cmsis_nn_dims in = {a->batches, 1, 1, a->in_channels}, out = {a->batches, 1, 1, a->out_channels};
    cmsis_nn_dims filter = {a->in_channels, 1, 1, a->out_channels}, bias = {1, 1, 1, a->out_channels};
    (void)arm_fully_connected_s16(&buffer, &params, &scale, &in, (const int16_t *)(const void *)a->input, &filter,
                                  a->weights, &bias, a->bias, &out, (int16_t *)(void *)a->output);
}

static inline void cmsis_nn_matmul(const cmsis_nn_args *a)
{
    cmsis_nn_context buffer = cmsis_nn_buffer(a, 0);
    cmsis_nn_bmm_params params = {
        false, true, {a->input1_offset, a->input2_offset, a->output_offset, {a->output_min, a->output_max}}};
    cmsis_nn_per_tensor_quant_params scale = {a->output_multiplier, a->output_shift};
    cmsis_nn_dims lhs = {1, a->batches, a->rows, a->depth}, rhs = {1, a->batches, a->columns, a->depth};
    cmsis_nn_dims out = {1, a->batches, a->rows, a->columns};
    (void)arm_batch_matmul_s8(&buffer, &params, &scale, &lhs, a->input, &rhs, a->input2, &out, a->output);
}

static inline cmsis_nn_pool_params cmsis_nn_window(const cmsis_nn_args *a)
{
    return (cmsis_nn_pool_params){
        {a->stride_x, a->stride_y}, {a->pad_left, a->pad_top}, {a->output_min, a->output_max}};
}

static inline void cmsis_nn_max_pool(const cmsis_nn_args *a)
{
    cmsis_nn_context buffer = cmsis_nn_buffer(a, 0);
    cmsis_nn_pool_params params = cmsis_nn_window(a);
    cmsis_nn_dims in = cmsis_nn_input(a), out = cmsis_nn_output(a), size = {1, a->kernel_height, a->kernel_width, 1};
    (void)arm_max_pool_s8(&buffer, &params, &in, a->input, &size, &out, a->output);
}

static inline void cmsis_nn_average_pool(const cmsis_nn_args *a)
{
    cmsis_nn_context buffer = cmsis_nn_buffer(a, 0);
    cmsis_nn_pool_params params = cmsis_nn_window(a);
    cmsis_nn_dims in = cmsis_nn_input(a), out = cmsis_nn_output(a), size = {1, a->kernel_height, a->kernel_width, 1};
    (void)arm_avgpool_s8(&buffer, &params, &in, a->input, &size, &out, a->output);
}

static inline void cmsis_nn_add(const cmsis_nn_args *a)
{
    (void)arm_elementwise_add_s8(a->input, a->input2, a->input1_offset, a->input1_multiplier, a->input1_shift,
                                 a->input2_offset, a->input2_multiplier, a->input2_shift, 20, a->output,
                                 a->output_offset, a->output_multiplier, a->output_shift, a->output_min, a->output_max,
                                 a->elements);
}

static inline void cmsis_nn_mul(const cmsis_nn_args *a)
{
    (void)arm_elementwise_mul_s8(a->input, a->input2, a->input1_offset, a->input2_offset, a->output, a->output_offset,
                                 a->output_multiplier, a->output_shift, a->output_min, a->output_max, a->elements);
}

static inline void cmsis_nn_maximum(const cmsis_nn_args *a)
{
    cmsis_nn_context buffer = cmsis_nn_buffer(a, 0);
    cmsis_nn_dims shape = {1, 1, 1, a->elements};
    (void)arm_maximum_s8(&buffer, a->input, &shape, a->input2, &shape, a->output, &shape);
}

static inline void cmsis_nn_softmax(const cmsis_nn_args *a)
{
    arm_softmax_s8(a->input, a->rows, a->depth, a->output_multiplier, a->output_shift, a->least, a->output);
}

static inline void cmsis_nn_svdf(const cmsis_nn_args *a)
{
    cmsis_nn_context none = {NULL, 0}, products = cmsis_nn_buffer(a, 0), sums = cmsis_nn_buffer(a, 1);
    cmsis_nn_svdf_params params = {a->rank, a->input_offset, a->output_offset, {-128, 127}, {-128, 127}};
    cmsis_nn_per_tensor_quant_params first = {a->input1_multiplier, a->input1_shift};
    cmsis_nn_per_tensor_quant_params second = {a->output_multiplier, a->output_shift};
    cmsis_nn_dims in = {a->batches, a->depth, 1, 1}, state = {a->batches, a->memory * a->rows, 1, 1};
    cmsis_nn_dims weights = {a->rows, a->depth, 1, 1}, time = {a->rows, a->memory, 1, 1}, units = {a->columns, 1, 1, 1};
    cmsis_nn_dims out = {a->batches, a->columns, 1, 1};
    (void)arm_svdf_s8(&none, &products, &sums, &params, &first, &second, &in, a->input, &state, a->state, &weights,
                      a->weights, &time, a->time, &units, a->bias, &out, a->output);
}

#endif
