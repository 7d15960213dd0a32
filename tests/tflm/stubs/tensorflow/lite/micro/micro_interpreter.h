// Stand-in for TFLM's header of this name: the declarations that seatool's C++ uses.
//
// This "interpreter" has one input and one output, runs STUB_OPERATORS operators, each of which adds 1 to every value of
// its only tensor (saturating, as int8), and keeps it in the arena. STUB_BYTES is the tensor's size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#ifndef STUB_OPERATORS
#define STUB_OPERATORS 3
#define STUB_BYTES 32
#endif

#include "tensorflow/lite/micro/micro_allocator.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/micro/micro_profiler_interface.h"
#include "tensorflow/lite/micro/micro_resource_variable.h"
#include "tensorflow/lite/schema/schema_generated.h"

struct TfLiteTensor {
    union {
        void *data;
        int8_t *int8;
    } data;
    size_t bytes;
};

struct TfLiteEvalTensor {
    union {
        void *data;
    } data;
};

struct TfLiteContext {
    TfLiteEvalTensor *(*GetEvalTensor)(const TfLiteContext *context, int number);
    void *interpreter;
};

namespace tflite {

class MicroInterpreter {
  public:
    template <class Resolver>
    MicroInterpreter(const Model *model, const Resolver &resolver, uint8_t *arena, size_t arena_bytes, void *,
                     MicroProfilerInterface *profiler)
        : complete_(resolver.count > 0 && std::memcmp(model->bytes + 4, "TFL3", 4) == 0), arena_(arena),
          arena_bytes_(arena_bytes), profiler_(profiler)
    {
    }

    template <class Resolver>
    MicroInterpreter(const Model *model, const Resolver &resolver, MicroAllocator *allocator,
                     MicroResourceVariables *variables, MicroProfilerInterface *profiler)
        : MicroInterpreter(model, resolver, allocator->arena, allocator->arena_bytes, nullptr, profiler)
    {
        complete_ = complete_ && variables != nullptr;
    }

    TfLiteStatus AllocateTensors()
    {
        tensor_ = {{arena_}, STUB_BYTES};
        eval_.data.data = arena_;
        return complete_ && reinterpret_cast<uintptr_t>(arena_) % 16 == 0 && arena_bytes_ >= STUB_BYTES ? kTfLiteOk
                                                                                                      : kTfLiteError;
    }

    TfLiteStatus Invoke()
    {
        for (int i = 0; i < STUB_OPERATORS; i++) {
            uint32_t event = profiler_ ? profiler_->BeginEvent("outer") : 0;
            uint32_t inner = profiler_ ? profiler_->BeginEvent("inner") : 0;
            for (size_t j = 0; j < STUB_BYTES; j++) {
                tensor_.data.int8[j] = static_cast<int8_t>(tensor_.data.int8[j] + (tensor_.data.int8[j] < 127));
            }
            if (profiler_) {
                profiler_->EndEvent(inner);
                profiler_->EndEvent(event);
            }
        }
        return kTfLiteOk;
    }

    size_t inputs_size() const { return 1; }
    size_t outputs_size() const { return 1; }
    TfLiteTensor *input(size_t) { return &tensor_; }
    TfLiteTensor *output(size_t) { return &tensor_; }
    size_t arena_used_bytes() const { return 1234; }

  protected:
    const TfLiteContext &context() const { return context_; }

  private:
    static TfLiteEvalTensor *eval_tensor(const TfLiteContext *context, int)
    {
        return &static_cast<MicroInterpreter *>(context->interpreter)->eval_;
    }

    TfLiteContext context_ = {eval_tensor, this};
    bool complete_;
    uint8_t *arena_;
    size_t arena_bytes_;
    MicroProfilerInterface *profiler_;
    TfLiteTensor tensor_ = {};
    TfLiteEvalTensor eval_ = {};
};

} // namespace tflite
