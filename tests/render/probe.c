/* probe.c: run the model on inputs from stdin; write to stdout what every layer made, as soon as it has run.
 *
 * argv[1]: "run", "sequence" or "embed". For each input: the bytes of each traced tensor in the order of model_tensors by
 * layer, then the result. The memory is filled with argv[2] (a byte) before each inference, of a sequence the first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binding.h"

void model_layer_begin(uint32_t layer)
{
    (void)layer;
}

void model_layer_end(uint32_t layer)
{
    for (uint32_t i = 0; i < model_tensor_count; i++) {
        const model_tensor *t = &model_tensors[i];
        if (t->layer == layer) {
            fwrite(model_regions[t->region].base + t->offset, 1, t->bytes, stdout);
        }
    }
}

static void fill_regions(int byte)
{
    for (uint32_t i = 0; i < model_region_count; i++) {
        memset(model_regions[i].base, byte, model_regions[i].bytes);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        return 2;
    }
    int embed = strcmp(argv[1], "embed") == 0;
    size_t input_bytes = embed ? model_pcm_samples * sizeof(int16_t) : model_input_bytes;
    size_t output_bytes = embed ? model_embedding_count * sizeof(float) : model_output_bytes;
    int sequence = strcmp(argv[1], "sequence") == 0;
    void *input = malloc(input_bytes);
    void *output = malloc(output_bytes);
    int status = input && output ? 0 : 2;
    for (int i = 0; status == 0 && fread(input, 1, input_bytes, stdin) == input_bytes; i++) {
        if (i == 0 || !sequence) {
            fill_regions(atoi(argv[2]));
            status = model_start() != NULL;
        }
        status = status ? status : embed ? model_embed(input, output) : model_run(input, output);
        fwrite(output, 1, output_bytes, stdout);
    }
    free(input);
    free(output);
    return status;
}
