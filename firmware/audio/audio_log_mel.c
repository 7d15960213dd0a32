/* audio_log_mel.c: log-mel front end, see audio_log_mel.h. */
#include "audio_log_mel.h"

#include <math.h>
#include <string.h>

/* log2 of a positive, normal float; the absolute error is below 3.1e-7 plus one rounding.
 *
 * x = 2^e (1 + t) with 1 + t in [sqrt(1/2), sqrt(2)): subtracting the bits of sqrt(1/2) makes the carry into the
 * exponent choose e. The minimax polynomial is that of log2(1 + t) / t, weighted for the absolute error of log2.
 */
static float log2_positive(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    int32_t exponent = (int32_t)(bits - 0x3f3504f3u) >> 23;
    bits -= (uint32_t)exponent << 23;
    memcpy(&x, &bits, sizeof x);

    float t = x - 1.0f;
    float p = 0.170634434f;
    p = fmaf(p, t, -0.272697896f);
    p = fmaf(p, t, 0.297262609f);
    p = fmaf(p, t, -0.35896185f);
    p = fmaf(p, t, 0.480465025f);
    p = fmaf(p, t, -0.721375883f);
    p = fmaf(p, t, 1.44269967f);
    return fmaf(p, t, (float)exponent);
}

/* The windowed samples start .. start + fft.length - 1 of the window; outside of it there is silence. */
static void load_frame(const audio_log_mel_tables *t, const int16_t *pcm, int32_t start, float *frame)
{
    int32_t length = (int32_t)t->fft.length;
    int32_t first = start < 0 ? -start : 0;
    int32_t last = t->window_samples - start < length ? t->window_samples - start : length;
    int32_t mirrored = last < t->window_weights ? last : t->window_weights;
    int32_t i = 0;
    for (; i < first; i++) {
        frame[i] = 0;
    }
    for (; i < mirrored; i++) {
        frame[i] = (float)pcm[start + i] * t->window[i];
    }
    for (; i < last; i++) {
        frame[i] = (float)pcm[start + i] * t->window[length - i];
    }
    for (; i < length; i++) {
        frame[i] = 0;
    }
}

/* Column of mel powers from a power spectrum; returns the larger of loudest and the largest of them. */
static float mel_column(const audio_log_mel_tables *t, const float *power, float *image, float loudest)
{
    const float *weights = t->mel_weights;
    for (int32_t band = 0; band < t->bands; band++, image += t->frames) {
        const float *bins = power + t->mel_bands[band].first;
        float sum = 0;
        for (uint32_t i = t->mel_bands[band].count; i > 0; i--) {
            sum = fmaf(*weights++, *bins++, sum);
        }
        *image = sum;
        loudest = sum > loudest ? sum : loudest;
    }
    return loudest;
}

const float *audio_log_mel_decibels(const audio_log_mel_tables *t, const int16_t *pcm, float *scratch)
{
    float *frame = scratch, *work = scratch + t->fft.length, *image = work + t->fft.length;
    float loudest = t->min_power;
    for (int32_t column = 0; column < t->frames; column++) {
        load_frame(t, pcm, column * t->hop - t->pad_left, frame);
        const float *power = audio_fft_power(&t->fft, frame, work);
        loudest = mel_column(t, power, image + column, loudest);
    }

    float top = log2_positive(loudest);
    for (int32_t i = 0; i < t->bands * t->frames; i++) {
        float power = image[i] > t->min_power ? image[i] : t->min_power;
        float level = (log2_positive(power) - top) * t->db_per_octave;
        image[i] = level > -t->range_db ? level : -t->range_db;
    }
    return image;
}

void audio_log_mel(const audio_log_mel_tables *t, const int16_t *pcm, float *scratch, int8_t *output)
{
    const float *level = audio_log_mel_decibels(t, pcm, scratch);
    for (int32_t i = 0; i < t->bands * t->frames; i++) {
        /* offset moves the range to 0 .. 255, where truncation is floor. */
        float step = fmaf(t->scale, level[i], t->offset);
        step = step > 0.0f ? step : 0.0f;
        step = step < 255.0f ? step : 255.0f;
        output[i] = (int8_t)((int32_t)step - 128);
    }
}
