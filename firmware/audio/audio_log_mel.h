/* audio_log_mel.h: one window of PCM to the quantized log-mel image that the network takes.
 *
 * Per frame: window, power spectrum, mel-weighted sums. Over the window: decibels below the loudest value, not less
 * than -range_db, then the network's input quantization. No heap, no state; tables come from the compiler.
 */
#ifndef AUDIO_LOG_MEL_H
#define AUDIO_LOG_MEL_H

#include <stdint.h>

#include "audio_fft.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bins first .. first + count - 1 of the power spectrum have weights in this band. */
typedef struct {
    uint16_t first, count;
} audio_mel_band;

typedef struct {
    int32_t window_samples; /* PCM samples per call */
    int32_t pad_left;       /* zeros assumed before the first sample */
    int32_t hop;            /* samples from one frame to the next */
    int32_t frames, bands;
    int32_t window_weights; /* fft.length, or half of it and one: then the others are the same in reverse */
    const float *window;
    audio_fft_tables fft;
    const audio_mel_band *mel_bands;
    const float *mel_weights; /* those of all bands, one after the other */
    float min_power;          /* smaller mel powers count as this much */
    float db_per_octave;      /* decibels per doubling of the mel power */
    float range_db;
    float scale, offset; /* quantized = floor(scale * dB + offset) - 128 */
} audio_log_mel_tables;

/* Floats of scratch: two frames for the transform, then the image. */
#define AUDIO_LOG_MEL_SCRATCH(n_fft, bands, frames) (2 * (n_fft) + (bands) * (frames))

/* Decibels below the loudest value, [bands][frames], at the end of scratch. pcm: full scale 32768. */
const float *audio_log_mel_decibels(const audio_log_mel_tables *t, const int16_t *pcm, float *scratch);

/* The quantized image, [bands][frames]. */
void audio_log_mel(const audio_log_mel_tables *t, const int16_t *pcm, float *scratch, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
