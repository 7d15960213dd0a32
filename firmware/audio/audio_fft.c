/* audio_fft.c: Stockham FFT of radix 8, so that no reordering is needed, and the split for real input. */
#include "audio_fft.h"

#include <math.h>
#include <stdbool.h>

#define INLINE static inline __attribute__((always_inline))

static const float sqrt_half = 0.70710678118654752f;

INLINE audio_complex add(audio_complex a, audio_complex b)
{
    return (audio_complex){a.re + b.re, a.im + b.im};
}

INLINE audio_complex sub(audio_complex a, audio_complex b)
{
    return (audio_complex){a.re - b.re, a.im - b.im};
}

/* a - j b and a + j b */
INLINE audio_complex sub_j(audio_complex a, audio_complex b)
{
    return (audio_complex){a.re + b.im, a.im - b.re};
}

INLINE audio_complex add_j(audio_complex a, audio_complex b)
{
    return (audio_complex){a.re - b.im, a.im + b.re};
}

INLINE audio_complex mul(audio_complex a, audio_complex b)
{
    return (audio_complex){fmaf(a.re, b.re, -(a.im * b.im)), fmaf(a.re, b.im, a.im * b.re)};
}

/* y[out * k] = w[k - 1] * sum over i of x[in * i] exp(-j 2 pi i k / 8); without the factor if not twiddled. */
INLINE void butterfly8(const audio_complex *x, uint32_t in, audio_complex *y, uint32_t out, bool twiddled,
                       const audio_complex *w)
{
    audio_complex a0 = x[0], a4 = x[4 * in], b0 = add(a0, a4), b4 = sub(a0, a4);
    audio_complex a2 = x[2 * in], a6 = x[6 * in], b2 = add(a2, a6), b6 = sub(a2, a6);
    audio_complex a1 = x[in], a5 = x[5 * in], b1 = add(a1, a5), b5 = sub(a1, a5);
    audio_complex a3 = x[3 * in], a7 = x[7 * in], b3 = add(a3, a7), b7 = sub(a3, a7);

    audio_complex even = add(b0, b2), odd = add(b1, b3);
    audio_complex y0 = add(even, odd), y4 = sub(even, odd);
    even = sub(b0, b2);
    odd = sub(b1, b3);
    audio_complex y2 = sub_j(even, odd), y6 = add_j(even, odd);

    /* exp(-j pi / 4) b5 +- exp(-j 3 pi / 4) b7, times sqrt(2) */
    audio_complex s = add(b5, b7), d = sub(b5, b7);
    audio_complex u = {d.re + s.im, d.im - s.re}, v = {s.re + d.im, s.im - d.re};
    even = sub_j(b4, b6);
    audio_complex y1 = {fmaf(sqrt_half, u.re, even.re), fmaf(sqrt_half, u.im, even.im)};
    audio_complex y5 = {fmaf(-sqrt_half, u.re, even.re), fmaf(-sqrt_half, u.im, even.im)};
    even = add_j(b4, b6);
    audio_complex y3 = {fmaf(sqrt_half, v.im, even.re), fmaf(-sqrt_half, v.re, even.im)};
    audio_complex y7 = {fmaf(-sqrt_half, v.im, even.re), fmaf(sqrt_half, v.re, even.im)};

    y[0] = y0;
    y[out] = twiddled ? mul(y1, w[0]) : y1;
    y[2 * out] = twiddled ? mul(y2, w[1]) : y2;
    y[3 * out] = twiddled ? mul(y3, w[2]) : y3;
    y[4 * out] = twiddled ? mul(y4, w[3]) : y4;
    y[5 * out] = twiddled ? mul(y5, w[4]) : y5;
    y[6 * out] = twiddled ? mul(y6, w[5]) : y6;
    y[7 * out] = twiddled ? mul(y7, w[6]) : y7;
}

/* One pass over transforms of length 8 m, of which there are s, interleaved. */
static void pass8(const audio_complex *x, audio_complex *y, uint32_t m, uint32_t s, const audio_complex *w)
{
    for (uint32_t q = 0; q < s; q++) {
        butterfly8(x + q, s * m, y + q, s, false, w);
    }
    for (uint32_t p = 1; p < m; p++, w += 7) {
        const audio_complex *from = x + s * p;
        audio_complex *to = y + 8 * s * p;
        for (uint32_t q = 0; q < s; q++) {
            butterfly8(from + q, s * m, to + q, s, true, w);
        }
    }
}

/* The last pass where the length is no power of 8. */
static void pass4(const audio_complex *x, audio_complex *y, uint32_t s)
{
    for (uint32_t q = 0; q < s; q++) {
        audio_complex even = add(x[q], x[q + 2 * s]), odd = add(x[q + s], x[q + 3 * s]);
        y[q] = add(even, odd);
        y[q + 2 * s] = sub(even, odd);
        even = sub(x[q], x[q + 2 * s]);
        odd = sub(x[q + s], x[q + 3 * s]);
        y[q + s] = sub_j(even, odd);
        y[q + 3 * s] = add_j(even, odd);
    }
}

static void pass2(const audio_complex *x, audio_complex *y, uint32_t s)
{
    for (uint32_t q = 0; q < s; q++) {
        y[q] = add(x[q], x[q + s]);
        y[q + s] = sub(x[q], x[q + s]);
    }
}

/* With Z the transform of even + j odd samples, X[k] = E[k] + exp(-j 2 pi k / length) O[k] where 2 E[k] and 2 j O[k]
 * are the sum and the difference of Z[k] and the conjugate of Z[half - k]; X[half - k] is the conjugate of E - (..) O.
 */
static void split_power(const audio_complex *z, uint32_t half, const audio_complex *w, float *power)
{
    float dc = 2 * (z[0].re + z[0].im), nyquist = 2 * (z[0].re - z[0].im);
    power[0] = dc * dc;
    power[half] = nyquist * nyquist;
    for (uint32_t k = 1; k < half / 2; k++) {
        audio_complex a = z[k], b = z[half - k], c = w[k - 1];
        audio_complex e = {a.re + b.re, a.im - b.im}, d = {a.re - b.re, a.im + b.im};
        audio_complex o = {fmaf(c.re, d.im, -(c.im * d.re)), fmaf(c.re, d.re, c.im * d.im)};
        audio_complex low = {e.re + o.re, e.im - o.im}, high = {e.re - o.re, e.im + o.im};
        power[k] = fmaf(low.re, low.re, low.im * low.im);
        power[half - k] = fmaf(high.re, high.re, high.im * high.im);
    }
    audio_complex middle = z[half / 2];
    power[half / 2] = 4 * fmaf(middle.re, middle.re, middle.im * middle.im);
}

const float *audio_fft_power(const audio_fft_tables *t, float *frame, float *work)
{
    uint32_t half = t->length / 2, left = half, done = 1;
    audio_complex *x = (audio_complex *)frame, *y = (audio_complex *)work, *result;
    const audio_complex *w = t->twiddles;
    while (left > 1) {
        if (left >= 8) {
            pass8(x, y, left / 8, done, w);
            w += 7 * (left / 8 - 1);
            done *= 8;
            left /= 8;
        } else {
            if (left == 4) {
                pass4(x, y, done);
            } else {
                pass2(x, y, done);
            }
            left = 1;
        }
        result = y;
        y = x;
        x = result;
    }
    split_power(x, half, t->split, (float *)y);
    return (const float *)y;
}
