// Stand-in for TFLM's header of this name: the declarations that seatool's C++ uses. It counts what is registered.
#pragma once

enum TfLiteStatus { kTfLiteOk, kTfLiteError };

#define TF_LITE_ENSURE_STATUS(call) \
    do { \
        if ((call) != kTfLiteOk) { \
            return kTfLiteError; \
        } \
    } while (false)

#define TF_LITE_REMOVE_VIRTUAL_DELETE \
    void operator delete(void *) {}

namespace tflite {

struct TFLMRegistration {
    bool only_int8;
};

#define STUB_KERNEL(kind) \
    inline TFLMRegistration Register_##kind() { return {false}; } \
    inline TFLMRegistration Register_##kind##_INT8() { return {true}; }

STUB_KERNEL(ADD)
STUB_KERNEL(ASSIGN_VARIABLE)
STUB_KERNEL(AVERAGE_POOL_2D)
STUB_KERNEL(CALL_ONCE)
STUB_KERNEL(CONCATENATION)
STUB_KERNEL(CONV_2D)
STUB_KERNEL(DEPTHWISE_CONV_2D)
STUB_KERNEL(DEQUANTIZE)
STUB_KERNEL(FULLY_CONNECTED)
STUB_KERNEL(LOGISTIC)
STUB_KERNEL(MAX_POOL_2D)
STUB_KERNEL(MUL)
STUB_KERNEL(PAD)
STUB_KERNEL(QUANTIZE)
STUB_KERNEL(READ_VARIABLE)
STUB_KERNEL(RESHAPE)
STUB_KERNEL(SOFTMAX)
STUB_KERNEL(SPLIT)
STUB_KERNEL(STRIDED_SLICE)
STUB_KERNEL(VAR_HANDLE)

template <unsigned int capacity> class MicroMutableOpResolver {
  public:
    unsigned int count = 0;

#define STUB_METHOD(name, kind) \
    TfLiteStatus Add##name(const TFLMRegistration & = Register_##kind()) \
    { \
        return count++ < capacity ? kTfLiteOk : kTfLiteError; \
    }

    STUB_METHOD(Add, ADD)
    STUB_METHOD(AssignVariable, ASSIGN_VARIABLE)
    STUB_METHOD(AveragePool2D, AVERAGE_POOL_2D)
    STUB_METHOD(CallOnce, CALL_ONCE)
    STUB_METHOD(Concatenation, CONCATENATION)
    STUB_METHOD(Conv2D, CONV_2D)
    STUB_METHOD(DepthwiseConv2D, DEPTHWISE_CONV_2D)
    STUB_METHOD(Dequantize, DEQUANTIZE)
    STUB_METHOD(FullyConnected, FULLY_CONNECTED)
    STUB_METHOD(Logistic, LOGISTIC)
    STUB_METHOD(MaxPool2D, MAX_POOL_2D)
    STUB_METHOD(Mul, MUL)
    STUB_METHOD(Pad, PAD)
    STUB_METHOD(Quantize, QUANTIZE)
    STUB_METHOD(ReadVariable, READ_VARIABLE)
    STUB_METHOD(Reshape, RESHAPE)
    STUB_METHOD(Softmax, SOFTMAX)
    STUB_METHOD(Split, SPLIT)
    STUB_METHOD(StridedSlice, STRIDED_SLICE)
    STUB_METHOD(VarHandle, VAR_HANDLE)
};

} // namespace tflite
