// Stand-in for TFLM's header of this name: the declarations that seatool's C++ uses.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tflite {

struct MicroAllocator {
    uint8_t *arena;
    size_t arena_bytes;

    static MicroAllocator *Create(uint8_t *arena, size_t arena_bytes)
    {
        static MicroAllocator allocator;
        allocator = {arena, arena_bytes};
        return &allocator;
    }
};

} // namespace tflite
