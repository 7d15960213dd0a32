/* binding.h: the model as applications see it, whatever it is called and however it runs. Implemented by the generated
 * binding.c for the compiled model, and by tflm/main.cc for the same model in TFLM's interpreter.
 *
 * The model's blocks of RAM are placed by the linker: binding.c puts the block of region X into section .ram.X.
 */
#ifndef BINDING_H
#define BINDING_H

#include <stdint.h>

/* The model's block in one memory region. */
typedef struct {
    const char *name;
    uint8_t *base;
    uint32_t bytes;
} model_region;

/* Where a layer's output lies right after the layer ran; model_tensor_data tells the address. */
typedef struct {
    const char *name;
    uint16_t layer;
    uint8_t region;
    uint32_t offset, bytes;
} model_tensor;

extern const char model_name[];
extern const uint32_t model_layer_count;
extern const char *const model_layer_names[];

extern const uint32_t model_input_bytes, model_output_bytes;
extern const uint32_t model_pcm_samples;     /* 0: no audio front end */
extern const uint32_t model_embedding_count; /* floats that model_embed writes */

extern const uint32_t model_region_count;
extern const model_region model_regions[];
extern const uint32_t model_tensor_count;
extern const model_tensor model_tensors[];

/* Has to be called before anything below, and again when the model's regions were overwritten. NULL, or why the model
 * cannot run. */
const char *model_start(void);

/* Bytes of an interpreter's arena that are in use; 0: the model is compiled, its memory is what the regions say. */
uint32_t model_arena_used(void);

/* The bytes of model_tensors[tensor]. */
const void *model_tensor_data(uint32_t tensor);

/* One inference. Several inputs or outputs are concatenated in graph order, each at its natural size. Returns 0. */
int model_run(const int8_t *input, int8_t *output);

/* Front end, one inference, and the output as real numbers. pcm: model_pcm_samples of int16, full scale 32768. */
int model_embed(const int16_t *pcm, float *embedding);

/* Called around every layer by code compiled with -DNN_HOOKS; defined by the test harness. A front end is layer 0.
 * Views have no layer call. */
void model_layer_begin(uint32_t layer);
void model_layer_end(uint32_t layer);

#endif
