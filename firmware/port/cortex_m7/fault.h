/* fault.h: every exception that nobody asked for ends here. */
#ifndef FAULT_H
#define FAULT_H

/* Exception handler: prints the cause and the registers on the console, then app_stop(PORT_FAULT). */
void fault_entry(void);

#endif
