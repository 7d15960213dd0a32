/* guard.c: call a kernel so that a fault of memory or undefined behaviour comes back as a value. */
#define _GNU_SOURCE
#include "guard.h"

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <ucontext.h>

static sigjmp_buf before;
static guard_fault fault;

static uintptr_t program_counter(const void *context)
{
    const ucontext_t *state = context;
#if defined(__x86_64__)
    return (uintptr_t)state->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (uintptr_t)state->uc_mcontext.pc;
#else
    (void)state;
    return 0;
#endif
}

static void caught(int signal, siginfo_t *info, void *context)
{
    fault = (guard_fault){signal, (uintptr_t)info->si_addr, program_counter(context)};
    siglongjmp(before, 1);
}

guard_fault guard_call(void (*kernel)(const void *arguments), const void *arguments)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE};
    enum { COUNT = sizeof signals / sizeof signals[0] };
    struct sigaction ours = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO}, theirs[COUNT];
    for (int i = 0; i < COUNT; i++) {
        sigaction(signals[i], &ours, &theirs[i]);
    }
    fault = (guard_fault){0, 0, 0};
    if (sigsetjmp(before, 1) == 0) {
        kernel(arguments);
    }
    for (int i = 0; i < COUNT; i++) {
        sigaction(signals[i], &theirs[i], NULL);
    }
    return fault;
}
