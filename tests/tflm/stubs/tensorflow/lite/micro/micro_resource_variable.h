// Stand-in for TFLM's header of this name: the declarations that seatool's C++ uses.
#pragma once

#include "tensorflow/lite/micro/micro_allocator.h"

namespace tflite {

struct MicroResourceVariables {
    static MicroResourceVariables *Create(MicroAllocator *allocator, int count)
    {
        static MicroResourceVariables variables;
        return allocator != nullptr && count > 0 ? &variables : nullptr;
    }
};

} // namespace tflite
