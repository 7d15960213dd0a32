/* nn_winograd.h: what the exact Winograd convolutions F(4x4, 3x3) and F(2x2, 3x3) share; docs/winograd.md proves them.
 *
 * A tile of outputs takes one product per input channel and position of the transformed domain. Inputs become V and
 * weights become U, both int16 with two channels to a word, so that every position is a matrix product for SMLAD: two
 * tiles times four output channels at a time. The order of words, k counting pairs of input channels:
 *
 *   V  [pair of tiles][position][k][2]      the two tiles change places where k is odd: the order of their use
 *   U  [output channels / 4][position][k][4]
 *   M  [position][tile of the pair][4]      the products, modulo 2^32
 *
 * Inputs are taken in excess 128, whatever their zero point, and padding is the zero point: the constant share of the
 * sums that this adds is subtracted from the bias by the compiler.
 */
#ifndef NN_WINOGRAD_H
#define NN_WINOGRAD_H

#include "nn_bands.h"
#include "nn_requantize.h"

/* The maximum of which outputs is stored. */
#define NN_POOL_NONE 0
#define NN_POOL_TWO_BY_TWO 1 /* stride 2 */
#define NN_POOL_GLOBAL 2

/* One copy for all layers, of what their literals would hardly make faster. */
#if defined(__clang__)
#define NN_SHARED NN_SHARED_CODE static __attribute__((noinline, unused))
#else
#define NN_SHARED NN_SHARED_CODE static __attribute__((noinline, noclone, unused))
#endif

/* A 3x3 convolution with stride 1. Output rows and columns are those of the convolution that count, before any pooling.
 * Input row r lies at place r modulo input_ring, stored row r at place r modulo output_ring: whole tensors have their
 * height there.
 */
typedef struct {
    const int8_t *input;
    int8_t *output;
    void *scratch;
    const int8_t *weights;       /* [out_channels][3][3][in_channels], or NULL and */
    const uint32_t *transformed; /* U of all output channels, and one word more */
    const int32_t *bias, *multiplier;
    const int8_t *shift;
    int32_t batches, input_height, input_width, in_channels;
    int32_t output_height, output_width, out_channels;
    int32_t pad_top, pad_left;
    int32_t input_offset, output_offset, output_min, output_max;
    int32_t requantize;      /* NN_EXACT, ... */
    int32_t pool;            /* NN_POOL_NONE, ... */
    int32_t copied;          /* whether `transformed` is copied to the scratch memory, four channels at a time */
    int32_t tile_rows;       /* rows of tiles transformed at a time */
    int32_t tile_columns;    /* and how many tiles of each */
    int32_t first_row, rows; /* output rows to compute in this call */
    int32_t input_ring, output_ring;
} nn_conv3x3_args;

/* Weights to transform once, for calls with `transformed`. */
typedef struct {
    const int8_t *weights;
    uint32_t *transformed;
    int32_t in_channels, out_channels;
} nn_conv3x3_weights_args;

/* Where a tile of outputs goes. */
typedef struct {
    nn_channel channel[4]; /* bias doubled, but for NN_EXACT */
    int32_t channels;      /* how many of them there are */
    int8_t *row[4];        /* the tile's first pixel in each row that is stored */
    int32_t pixel_bytes;   /* from a stored pixel to the next */
    int32_t rows, columns; /* of the tile that count */
    int32_t requantize, pool, output_min, output_max;
    int32_t *maximum; /* NN_POOL_GLOBAL: of twice the sums so far, for each of the four channels */
} nn_winograd_target;

/* What makes F(4x4, 3x3) or F(2x2, 3x3). A tile of outputs sees `lines` (tile + 2) rows and columns of the input. */
typedef struct {
    int32_t tile, lines, positions;
    /* B^T times columns: four channels of `count` pixels, pixel_bytes apart, to 2 * lines words each. */
    void (*columns)(const int8_t *const *rows, int32_t pixel_bytes, int32_t count, uint32_t *columns);
    /* The columns of a row of tiles times B: to V, tiles `first` and following. */
    void (*tiles)(const uint32_t *columns, int32_t count, uint32_t *v, int32_t first, int32_t steps);
    /* G times weights times G^T: taps tap_bytes apart, 4 * groups channels, to one of four columns of U. */
    void (*weights)(const int8_t *weights, int32_t tap_bytes, int32_t groups, uint32_t *u, int32_t steps);
    /* A^T times M times A, and what makes outputs of the sums. Spoils M. */
    void (*output)(const nn_winograd_target *target, uint32_t *m);
} nn_winograd_form;

/* Words of two channels, in whole groups of four channels. */
NN_INLINE int32_t nn_winograd_steps(int32_t in_channels)
{
    return (in_channels + 3) / 4 * 2;
}

/* Lanes 0 and 2 of four int8, each plus 128. */
NN_INLINE uint32_t nn_excess128(uint32_t bytes)
{
#if NN_DSP
    uint32_t r;
    __asm__("sxtab16 %0, %1, %2" : "=r"(r) : "r"(0x00800080u), "r"(bytes));
    return r;
#else
    return (bytes ^ 0x00800080u) & 0x00ff00ffu;
#endif
}

/* Lanes 1 and 3 of four int8, each plus 128. */
NN_INLINE uint32_t nn_excess128_ror8(uint32_t bytes)
{
#if NN_DSP
    uint32_t r;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(r) : "r"(0x00800080u), "r"(bytes));
    return r;
#else
    return nn_excess128(bytes >> 8);
#endif
}

/* Difference of two int16 lanes, each modulo 2^16. */
NN_INLINE uint32_t nn_sub16(uint32_t x, uint32_t y)
{
#if NN_DSP
    uint32_t r;
    __asm__("ssub16 %0, %1, %2" : "=r"(r) : "r"(x), "r"(y));
    return r;
#else
    return ((x - y) & 0xffffu) | ((x & 0xffff0000u) - (y & 0xffff0000u));
#endif
}

#endif
