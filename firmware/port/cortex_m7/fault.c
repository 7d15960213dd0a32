/* fault.c: say what went wrong, with registers, even when the stack is gone.
 *
 * The processor pushes r0-r3, r12, lr, pc and xpsr before it enters the handler. The handler first moves to a stack of
 * its own, because an overflowing stack is the most likely cause. The stack lies at the start of its region, so an
 * overflow leaves the memory there is, and that push fails: then nothing was saved. If the stack was filled step by step
 * the innermost return address on it tells the place; a frame that is larger than what was left leaves no trace.
 */
#include "fault.h"

#include <stdbool.h>
#include <stdint.h>

#include "console.h"
#include "cortex_m7.h"
#include "port.h"

/* From the linker script. */
extern const uint32_t __stack_bottom[], __stack_top[];
extern const uint8_t __text_start[], __text_end[], __itcm_start[], __itcm_end[];

/* What exception entry pushes. */
typedef struct {
    uint32_t r0, r1, r2, r3, r12, lr, pc, xpsr;
} frame;

#define STEP 1024u /* an overflow by less than this came step by step */

/* Bits of SCB_CFSR. */
enum {
    IACCVIOL = 1u << 0,
    DACCVIOL = 1u << 1,
    MUNSTKERR = 1u << 3,
    MSTKERR = 1u << 4,
    MLSPERR = 1u << 5,
    MMARVALID = 1u << 7,
    IBUSERR = 1u << 8,
    PRECISERR = 1u << 9,
    IMPRECISERR = 1u << 10,
    UNSTKERR = 1u << 11,
    STKERR = 1u << 12,
    LSPERR = 1u << 13,
    BFARVALID = 1u << 15,
    UNDEFINSTR = 1u << 16,
    INVSTATE = 1u << 17,
    INVPC = 1u << 18,
    NOCP = 1u << 19,
    UNALIGNED = 1u << 24,
    DIVBYZERO = 1u << 25,
};

/* A bit of SCB_HFSR. */
#define VECTTBL (1u << 1)

static const struct {
    uint32_t bits;
    const char *text;
} causes[] = {
    {DACCVIOL | PRECISERR, "access to memory that is not allowed"},
    {IACCVIOL | IBUSERR, "jump to memory that is not executable"},
    {UNDEFINSTR, "undefined instruction"},
    {INVSTATE, "jump to an address that is not Thumb code"},
    {INVPC, "return from an exception to nowhere"},
    {MUNSTKERR | UNSTKERR, "return from an exception through a stack that cannot be read"},
    {DIVBYZERO, "division by zero"},
    {UNALIGNED, "unaligned access"},
    {NOCP, "coprocessor is off"},
    {IMPRECISERR, "bus error on an earlier write"},
};

static const char *cause(uint32_t status, uint32_t exception, bool overflow)
{
    if (overflow) {
        return "stack overflow";
    }
    if (SCB_HFSR & VECTTBL) {
        return "vector table that cannot be read";
    }
    for (uint32_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        if (status & causes[i].bits) {
            return causes[i].text;
        }
    }
    return exception >= 16 ? "interrupt without a handler" : "exception without a cause";
}

static void field(const char *name, uint32_t value)
{
    console_text(name);
    port_putc('=');
    console_hex(value);
}

static void print_frame(const frame *saved)
{
    field("pc", saved->pc);
    field(" lr", saved->lr);
    field(" xpsr", saved->xpsr);
    field("\nr0", saved->r0);
    field(" r1", saved->r1);
    field(" r2", saved->r2);
    field(" r3", saved->r3);
    field(" r12", saved->r12);
}

/* Can `word` be a return address: odd (Thumb), in the program's code? */
static bool is_return_address(uint32_t word)
{
    uint32_t text = (uint32_t)__text_start, itcm = (uint32_t)__itcm_start;
    bool is_code = word - text < (uint32_t)__text_end - text || word - itcm < (uint32_t)__itcm_end - itcm;
    return is_code && word & 1u;
}

/* The first word on the stack that can be a return address. */
static void print_caller(void)
{
    for (const uint32_t *word = __stack_bottom; word != __stack_top; word++) {
        if (is_return_address(*word)) {
            field("caller", *word - 1u);
            return;
        }
    }
}

__attribute__((used)) _Noreturn static void report(uint32_t sp, uint32_t exception)
{
    uint32_t status = SCB_CFSR;
    bool inside = sp >= (uint32_t)__stack_bottom && sp + sizeof(frame) <= (uint32_t)__stack_top;
    bool saved = inside && !(status & (MSTKERR | STKERR));
    bool overflow = status & (MSTKERR | STKERR | MLSPERR | LSPERR) || sp < (uint32_t)__stack_bottom;

    console_text("\nFAULT: ");
    console_text(cause(status, exception, overflow));
    port_putc('\n');
    if (status & MMARVALID) {
        field("address", SCB_MMFAR);
        port_putc(' ');
    } else if (status & BFARVALID) {
        field("address", SCB_BFAR);
        port_putc(' ');
    }
    field("exception", exception);
    field(" cfsr", status);
    field(" hfsr", SCB_HFSR);
    field(" sp", sp);
    port_putc('\n');
    if (saved) {
        print_frame((const frame *)sp);
    } else if ((uint32_t)__stack_bottom - sp < STEP) {
        print_caller();
    }
    console_text("\n");
    app_stop(PORT_FAULT);
}

__attribute__((naked)) void fault_entry(void)
{
    __asm__ volatile("mrs r0, msp\n\t"
                     "mrs r1, ipsr\n\t"
                     "ldr r2, =__fault_stack_top\n\t"
                     "msr msp, r2\n\t"
                     "b %c0" ::"i"(report));
}
