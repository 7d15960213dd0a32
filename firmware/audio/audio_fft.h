/* audio_fft.h: power spectrum of a real frame.
 *
 * A real frame of n samples is transformed as n / 2 complex ones; a last step splits the result into the spectrum of
 * the real frame and squares it. All products that are added go through fmaf, so the result has the same bits on every
 * machine with IEEE floats, whatever the compiler contracts.
 */
#ifndef AUDIO_FFT_H
#define AUDIO_FFT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    float re, im;
} audio_complex;

typedef struct {
    uint32_t length;               /* real samples in a frame: a power of two, 64 or more */
    const audio_complex *twiddles; /* of the radix-8 passes, in the order of use */
    const audio_complex *split;    /* cos + j sin of 2 pi k / length for k = 1 .. length / 4 - 1 */
} audio_fft_tables;

/* 4 |X[k]|^2 for k = 0 .. length / 2, in one of the two buffers; both are overwritten.
 * frame, work: length floats each.
 */
const float *audio_fft_power(const audio_fft_tables *t, float *frame, float *work);

#ifdef __cplusplus
}
#endif

#endif
