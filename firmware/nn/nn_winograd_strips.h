/* nn_winograd_strips.h: the course of an exact Winograd convolution, whatever its tile.
 *
 * Strip by strip, which are tile_rows rows of tile_columns tiles, the input becomes V. Then, for every four output
 * channels, their weights become U, and every two tiles go through the product and become outputs.
 */
#ifndef NN_WINOGRAD_STRIPS_H
#define NN_WINOGRAD_STRIPS_H

#include "nn_winograd_gemm.h"
#include "nn_winograd_output.h"

/* On the target everything folds into the layer; elsewhere one copy compiles in a fraction of the time. */
#if NN_DSP
#define NN_WINOGRAD_COURSE NN_INLINE
#else
#define NN_WINOGRAD_COURSE NN_SHARED
#endif

/* Tiles that are transformed at a time: output rows from `top` to before `bottom`, `tiles` of each row of tiles from
 * output column `left` on. */
typedef struct {
    int32_t top, bottom, left, tiles;
} nn_winograd_strip;

/* The scratch memory. What only the making of V needs shares its place with U and M. */
typedef struct {
    int32_t *maximum; /* NN_POOL_GLOBAL: of twice the sums of each output channel */
    uint32_t *v, *u, *m;
    uint32_t *columns; /* B^T times a row of tiles, four channels */
    int8_t *padding;   /* zero points in place of a row of the input */
    int8_t *narrow;    /* the last one to three channels of the input rows, widened to four */
} nn_winograd_memory;

/* Columns of the input that a strip sees, at most. */
NN_INLINE int32_t nn_winograd_input_columns(const nn_conv3x3_args *a, const nn_winograd_form *f)
{
    return nn_smaller(a->tile_columns * f->tile + 2, a->input_width);
}

NN_INLINE nn_winograd_memory nn_winograd_memory_of(const nn_conv3x3_args *a, const nn_winograd_form *f)
{
    const int32_t step_words = f->positions * nn_winograd_steps(a->in_channels);
    const int32_t tile_rows = nn_smaller(a->tile_rows, (a->rows + f->tile - 1) / f->tile);
    nn_winograd_memory memory;
    memory.maximum = (int32_t *)a->scratch;
    memory.v = (uint32_t *)a->scratch + (a->pool == NN_POOL_GLOBAL ? a->out_channels : 0);
    memory.u = memory.v + (tile_rows * a->tile_columns + 1) / 2 * step_words * 2;
    memory.m = memory.u + (a->transformed == NULL || a->copied ? step_words * 4 : 0);
    memory.columns = memory.u;
    memory.padding = (int8_t *)(memory.columns + (a->tile_columns * f->tile + 2) * 2 * f->lines);
    memory.narrow = memory.padding + (nn_winograd_input_columns(a, f) * a->in_channels + 3) / 4 * 4;
    return memory;
}

/* The columns of the input that a strip sees: `before` columns of padding, `inside` the image from number `first` on, and
 * `behind` them padding again. */
typedef struct {
    int32_t before, first, inside, behind;
} nn_winograd_columns;

NN_INLINE nn_winograd_columns nn_winograd_columns_of(const nn_conv3x3_args *a, const nn_winograd_form *f,
                                                     const nn_winograd_strip *s)
{
    const int32_t left = s->left - a->pad_left, before = left < 0 ? -left : 0;
    const int32_t needed = s->tiles * f->tile + 2 - before, first = left + before;
    const int32_t inside = nn_smaller(a->input_width - first, needed);
    return (nn_winograd_columns){before, first, inside, needed - inside};
}

/* Four channels of a row of tiles, from number `tile` on, to V; the last tile twice where it has no partner. */
NN_INLINE void nn_winograd_group(const nn_conv3x3_args *a, const nn_winograd_form *f, const nn_winograd_memory *memory,
                                 const nn_winograd_strip *s, const int8_t *const *rows, int32_t pixel_bytes,
                                 uint32_t *v, int32_t tile, int twice)
{
    const int8_t *const padding[6] = {memory->padding, memory->padding, memory->padding,
                                      memory->padding, memory->padding, memory->padding};
    const nn_winograd_columns columns = nn_winograd_columns_of(a, f, s);
    const int32_t words = 2 * f->lines;
    const int32_t steps = nn_winograd_steps(a->in_channels);
    if (columns.before > 0) {
        f->columns(padding, 0, columns.before, memory->columns);
    }
    f->columns(rows, pixel_bytes, columns.inside, memory->columns + columns.before * words);
    if (columns.behind > 0) {
        f->columns(padding, 0, columns.behind, memory->columns + (columns.before + columns.inside) * words);
    }
    f->tiles(memory->columns, s->tiles, v, tile, steps);
    if (twice) {
        f->tiles(memory->columns + (s->tiles - 1) * f->tile * words, 1, v, tile + s->tiles, steps);
    }
}

/* The last channels of `count` pixels of the input rows where they are fewer than four; the others are zero in U, whatever
 * they are here. */
NN_INLINE void nn_winograd_widen(const nn_conv3x3_args *a, const nn_winograd_form *f, int8_t *narrow,
                                 const int8_t **rows, int32_t count)
{
    for (int32_t i = 0; i < f->lines; i++) {
        const int8_t *from = rows[i];
        rows[i] = narrow;
        for (int32_t x = 0; x < count; x++, from += a->in_channels, narrow += 4) {
            for (int32_t c = 0; c < 4; c++) {
                narrow[c] = c < a->in_channels % 4 ? from[c] : 0;
            }
        }
    }
}

/* A row of tiles, output row y and following, to V. */
NN_INLINE void nn_winograd_inputs(const nn_conv3x3_args *a, const nn_winograd_form *f, const nn_winograd_memory *memory,
                                  const nn_winograd_strip *s, const int8_t *image, int32_t y, int32_t tile, int twice)
{
    const nn_winograd_columns columns = nn_winograd_columns_of(a, f, s);
    const int8_t *rows[6];
    for (int32_t i = 0; i < f->lines; i++) {
        const int32_t row = y - a->pad_top + i, place = nn_ring_place(row, a->input_ring, a->input_height);
        const int inside = row >= 0 && row < a->input_height;
        rows[i] = inside ? image + (place * a->input_width + columns.first) * a->in_channels : memory->padding;
    }
    uint32_t *v = memory->v;
    for (int32_t c = 0; c + 4 <= a->in_channels; c += 4, v += 4) {
        nn_winograd_group(a, f, memory, s, rows, a->in_channels, v, tile, twice);
        for (int32_t i = 0; i < f->lines; i++) {
            rows[i] += 4;
        }
    }
    if (a->in_channels % 4 != 0) {
        nn_winograd_widen(a, f, memory->narrow, rows, columns.inside);
        nn_winograd_group(a, f, memory, s, rows, 4, v, tile, twice);
    }
}

/* The weights of four output channels to U; where there are fewer, the last one's again. */
NN_INLINE void nn_winograd_weights(const nn_winograd_form *f, const int8_t *weights, int32_t in_channels,
                                   int32_t channels, uint32_t *u)
{
    const int32_t steps = nn_winograd_steps(in_channels);
    const int32_t rest = in_channels % 4;
    for (int32_t c = 0; c < 4; c++, u++) {
        if (in_channels >= 4) {
            f->weights(weights, in_channels, in_channels / 4, u, steps);
        }
        if (rest != 0) {
            int8_t widened[9 * 4];
            for (int32_t tap = 0; tap < 9; tap++) {
                for (int32_t i = 0; i < 4; i++) {
                    widened[tap * 4 + i] = i < rest ? weights[(tap + 1) * in_channels - rest + i] : 0;
                }
            }
            f->weights(widened, 4, 1, u + (steps - 2) * 4, steps);
        }
        weights += c + 1 < channels ? 9 * in_channels : 0;
    }
}

/* Words in multiples of eight, to where every pair of tiles reads them without waiting for a cache. */
#if NN_DSP
NN_ASSEMBLY void nn_winograd_copy(NN_UNUSED uint32_t *to, NN_UNUSED const uint32_t *from, NN_UNUSED int32_t words)
{
    __asm__ volatile("push {r4-r10}\n"
                     "add r2, r1, r2, lsl #2\n"
                     "1:\n"
                     "ldm r1!, {r3-r10}\n"
                     "cmp r1, r2\n"
                     "stm r0!, {r3-r10}\n"
                     "bne 1b\n"
                     "pop {r4-r10}\n"
                     "bx lr\n");
}
#else
NN_SHARED void nn_winograd_copy(uint32_t *to, const uint32_t *from, int32_t words)
{
    memcpy(to, from, (size_t)words * sizeof *to);
}
#endif

/* The constants of up to four output channels, from `channel` on. */
NN_INLINE void nn_winograd_channels(const nn_conv3x3_args *a, nn_winograd_target *target, int32_t channel)
{
    target->channels = a->out_channels - channel < 4 ? a->out_channels - channel : 4;
    for (int32_t i = 0; i < target->channels; i++) {
        int32_t c = channel + i;
        target->channel[i] = nn_channel_of(a->requantize, a->bias[c], a->multiplier[c], a->shift[c], a->output_offset);
        target->channel[i].bias *= a->requantize == NN_EXACT ? 1 : 2;
    }
}

/* Output row y and following as the rows of a tile; `first` is row 0. */
NN_INLINE void nn_winograd_rows(const nn_conv3x3_args *a, const nn_winograd_form *f, nn_winograd_target *target,
                                int8_t *first, int32_t y)
{
    const int32_t pooled = a->pool == NN_POOL_TWO_BY_TWO ? 2 : 1;
    const int32_t row_bytes = a->output_width / pooled * a->out_channels;
    target->rows = nn_smaller(a->first_row + a->rows - y, f->tile);
    if (a->pool != NN_POOL_GLOBAL) {
        for (int32_t i = 0; i < f->tile / pooled; i++) {
            const int32_t place = nn_ring_place(y / pooled + i, a->output_ring, a->output_height / pooled);
            target->row[i] = first + place * row_bytes;
        }
    }
}

/* The target's channels of a row of tiles, from number `tile` of the strip on. */
NN_INLINE void nn_winograd_outputs(const nn_conv3x3_args *a, const nn_winograd_form *f,
                                   const nn_winograd_memory *memory, const nn_winograd_strip *s, const uint32_t *u,
                                   nn_winograd_target *target, int32_t tile)
{
    const int32_t steps = nn_winograd_steps(a->in_channels);
    const int32_t stored = a->pool == NN_POOL_TWO_BY_TWO ? f->tile / 2 : f->tile; /* rows and columns of a tile */
    for (int32_t i = 0, x = s->left; i < s->tiles; i++, x += f->tile, tile++) {
        if (tile % 2 == 0) {
            const uint32_t *v = memory->v + tile / 2 * f->positions * steps * 2;
            nn_winograd_gemm(v, u, memory->m, f->positions, steps);
        }
        target->columns = nn_smaller(a->output_width - x, f->tile);
        f->output(target, memory->m + tile % 2 * 4);
        if (a->pool != NN_POOL_GLOBAL) {
            NN_UNROLL(4)
            for (int32_t row = 0; row < stored; row++) {
                target->row[row] += stored * a->out_channels;
            }
        }
    }
}

NN_INLINE void nn_winograd_compute(const nn_conv3x3_args *a, const nn_winograd_form *f,
                                   const nn_winograd_memory *memory, const nn_winograd_strip *s, const int8_t *input,
                                   int8_t *output)
{
    const int32_t u_words = f->positions * nn_winograd_steps(a->in_channels) * 4;
    const int32_t left = (a->pool == NN_POOL_TWO_BY_TWO ? s->left / 2 : s->left) * a->out_channels;
    memset(memory->padding, -a->input_offset, (size_t)(nn_winograd_input_columns(a, f) * a->in_channels));
    for (int32_t y = s->top, tile = 0; y < s->bottom; y += f->tile, tile += s->tiles) {
        const int twice = y + f->tile >= s->bottom && (tile + s->tiles) % 2 != 0;
        nn_winograd_inputs(a, f, memory, s, input, y, tile, twice);
    }
    nn_winograd_target target = {.pixel_bytes = a->out_channels,
                                 .requantize = a->requantize,
                                 .pool = a->pool,
                                 .output_min = a->output_min,
                                 .output_max = a->output_max};
    for (int32_t channel = 0; channel < a->out_channels; channel += 4) {
        const uint32_t *u = memory->u;
        if (a->transformed == NULL) {
            nn_winograd_weights(f, a->weights + channel * 9 * a->in_channels, a->in_channels, a->out_channels - channel,
                                memory->u);
        } else if (a->copied) {
            nn_winograd_copy(memory->u, a->transformed + channel / 4 * u_words, u_words);
        } else {
            u = a->transformed + channel / 4 * u_words;
        }
        nn_winograd_channels(a, &target, channel);
        target.maximum = memory->maximum + channel;
        for (int32_t y = s->top, tile = 0; y < s->bottom; y += f->tile, tile += s->tiles) {
            nn_winograd_rows(a, f, &target, output + left + channel, y);
            nn_winograd_outputs(a, f, memory, s, u, &target, tile);
        }
    }
}

/* Output rows from `top` to before `bottom`, part by part. */
NN_INLINE void nn_winograd_across(const nn_conv3x3_args *a, const nn_winograd_form *f, const nn_winograd_memory *memory,
                                  const int8_t *input, int8_t *output, int32_t top, int32_t bottom)
{
    const int32_t tiles = (a->output_width + f->tile - 1) / f->tile;
    for (int32_t first = 0; first < tiles; first += a->tile_columns) {
        const nn_winograd_strip strip = {top, bottom, first * f->tile, nn_smaller(a->tile_columns, tiles - first)};
        nn_winograd_compute(a, f, memory, &strip, input, output);
    }
}

/* Global pooling, once all rows are through. */
NN_INLINE void nn_winograd_maxima(const nn_conv3x3_args *a, const nn_winograd_memory *memory, int8_t *output)
{
    for (int32_t channel = 0; channel < a->out_channels; channel += 4) {
        nn_winograd_target target;
        nn_winograd_channels(a, &target, channel);
        for (int32_t i = 0; i < target.channels; i++) {
            output[channel + i] = nn_winograd_output(target.channel[i], a->requantize, memory->maximum[channel + i],
                                                     a->output_min, a->output_max);
        }
    }
}

NN_INLINE void nn_winograd_image(const nn_conv3x3_args *a, const nn_winograd_form *f, const int8_t *input,
                                 int8_t *output)
{
    const nn_winograd_memory memory = nn_winograd_memory_of(a, f);
    const int32_t end = a->first_row + a->rows;
    if (a->pool == NN_POOL_GLOBAL && a->first_row == 0) {
        for (int32_t i = 0; i < a->out_channels; i++) {
            memory.maximum[i] = INT32_MIN;
        }
    }
    for (int32_t top = a->first_row; top < end; top += f->tile * a->tile_rows) {
        nn_winograd_across(a, f, &memory, input, output, top, nn_smaller(end, top + f->tile * a->tile_rows));
    }
    if (a->pool == NN_POOL_GLOBAL && end == a->output_height) {
        nn_winograd_maxima(a, &memory, output);
    }
}

NN_WINOGRAD_COURSE void nn_winograd(const nn_conv3x3_args *a, const nn_winograd_form *f)
{
    const int32_t input_bytes = a->input_height * a->input_width * a->in_channels;
    const int32_t pixels = a->pool == NN_POOL_GLOBAL       ? 1
                           : a->pool == NN_POOL_TWO_BY_TWO ? a->output_height / 2 * (a->output_width / 2)
                                                           : a->output_height * a->output_width;
    for (int32_t i = 0; i < a->batches; i++) {
        nn_winograd_image(a, f, a->input + i * input_bytes, a->output + i * pixels * a->out_channels);
    }
}

/* All weights to U, once, for calls with `transformed`. */
NN_INLINE void nn_winograd_transform(const nn_conv3x3_weights_args *a, const nn_winograd_form *f)
{
    uint32_t *u = a->transformed;
    for (int32_t channel = 0; channel < a->out_channels; channel += 4) {
        nn_winograd_weights(f, a->weights + channel * 9 * a->in_channels, a->in_channels, a->out_channels - channel, u);
        u += f->positions * nn_winograd_steps(a->in_channels) * 4;
    }
}

#endif
