/* Runs the front end on this machine: PCM windows from stdin, for each the decibels and the output to stdout.
 *
 * Every buffer is allocated with exactly the size asked for, so that the address sanitizer sees any step outside.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "test_audio_tables.h"

int main(void)
{
    const audio_log_mel_tables *t = &test_audio_tables;
    size_t samples = (size_t)t->window_samples, values = (size_t)(t->bands * t->frames);
    int16_t *pcm = malloc(samples * sizeof *pcm);
    float *scratch = malloc(TEST_AUDIO_SCRATCH_FLOATS * sizeof *scratch);
    int8_t *output = malloc(values);
    if (!pcm || !scratch || !output) {
        return 1;
    }
    while (fread(pcm, sizeof *pcm, samples, stdin) == samples) {
        const float *decibels = audio_log_mel_decibels(t, pcm, scratch);
        fwrite(decibels, sizeof *decibels, values, stdout);
        audio_log_mel(t, pcm, scratch, output);
        fwrite(output, 1, values, stdout);
    }
    free(pcm);
    free(scratch);
    free(output);
    return ferror(stdin) || ferror(stdout);
}
