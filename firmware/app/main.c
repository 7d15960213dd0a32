/* main.c: a demonstration: run the model on a test signal, once a second, and print what it says and how long it took.
 *
 * This is the place to put a microphone. The signal is a 1 kHz tone for a model with an audio front end, and zeros for
 * any other model.
 */
#include "binding.h"
#include "console.h"
#include "port.h"

#define SHOWN 8u /* values printed per inference */

static const int16_t tone_1khz_at_8khz[8] = {0, 11585, 16384, 11585, 0, -11585, -16384, -11585};

static void print_time(uint32_t ticks)
{
    console_real((float)ticks * 1000.0f / (float)port_ticks_hz());
    console_text(" ms:");
}

static void run_on_tone(int16_t *pcm, float *embedding)
{
    for (uint32_t i = 0; i < model_pcm_samples; i++) {
        pcm[i] = tone_1khz_at_8khz[i % 8u];
    }
    uint32_t start = port_ticks();
    int status = model_embed(pcm, embedding);
    print_time(port_ticks() - start);
    if (status) {
        app_stop(status);
    }
    for (uint32_t i = 0; i < model_embedding_count && i < SHOWN; i++) {
        console_text(" ");
        console_real(embedding[i]);
    }
}

static void run_on_zeros(int8_t *input, int8_t *output)
{
    for (uint32_t i = 0; i < model_input_bytes; i++) {
        input[i] = 0;
    }
    uint32_t start = port_ticks();
    int status = model_run(input, output);
    print_time(port_ticks() - start);
    if (status) {
        app_stop(status);
    }
    for (uint32_t i = 0; i < model_output_bytes && i < SHOWN; i++) {
        console_text(" ");
        console_signed(output[i]);
    }
}

static void wait_one_second(void)
{
    uint32_t start = port_ticks();
    while (port_ticks() - start < port_ticks_hz()) {
    }
}

int main(void)
{
    console_text(model_name);
    console_text("\n");
    const char *problem = model_start();
    if (problem) {
        console_text(problem);
        console_text("\n");
        return 1;
    }
    port_memory spare = port_spare_memory();
    uint32_t input_bytes = model_pcm_samples ? 2u * model_pcm_samples : model_input_bytes;
    uint32_t output_bytes = model_pcm_samples ? 4u * model_embedding_count : model_output_bytes;
    input_bytes = (input_bytes + 15u) & ~15u;
    if (input_bytes + output_bytes > spare.bytes) {
        console_text("no RAM is left for the demonstration's input and output\n");
        return 1;
    }
    for (bool led = true;; led = !led) {
        port_led(led);
        if (model_pcm_samples) {
            run_on_tone((int16_t *)(void *)spare.base, (float *)(void *)(spare.base + input_bytes));
        } else {
            run_on_zeros((int8_t *)spare.base, (int8_t *)spare.base + input_bytes);
        }
        console_text("\n");
        wait_one_second();
    }
}

_Noreturn void app_stop(int status)
{
    console_text("stopped with status ");
    console_unsigned((uint32_t)status);
    console_text("\n");
    for (;;) {
    }
}
