// Stand-in for TFLM's header of this name: the declarations that seatool's C++ uses.
#pragma once

#include <cstdint>

namespace tflite {

class MicroProfilerInterface {
  public:
    virtual ~MicroProfilerInterface() {}
    virtual uint32_t BeginEvent(const char *tag) = 0;
    virtual void EndEvent(uint32_t event) = 0;
};

} // namespace tflite
