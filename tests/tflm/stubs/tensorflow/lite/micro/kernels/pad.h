// Stand-in for TFLM's header of this name; the stub of the resolver has its declarations.
#pragma once
