// Stand-in for TFLM's header of this name: the declarations that seatool's C++ uses.
#pragma once

#include <cstdint>

namespace tflite {

struct Model {
    uint8_t bytes[8];
};

inline const Model *GetModel(const void *data)
{
    return static_cast<const Model *>(data);
}

} // namespace tflite
