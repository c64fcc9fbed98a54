/* The subcommands: one file each, called by main with the arguments from its own name on. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

/* Exit statuses, but for `record`, which passes on its program's (collector/session/session.h). */
enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

int cmd_record(int argc, char **argv);
int cmd_convert(int argc, char **argv);
int cmd_locks(int argc, char **argv);
int cmd_core(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_set(int argc, char **argv);

/* Says on stderr what is wrong with the command line and where to read on. Returns CLI_USAGE. */
int cli_usage_error(const char *why, const char *command);

#endif
